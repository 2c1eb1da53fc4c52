"""Imports torchvision even where its compiled operators cannot load.

PyPI's torchvision is built for CUDA; beside a CPU build of torch its operator library
does not load, and `import torchvision` stops at "operator torchvision::nms does not exist".
Classification models use none of those operators, so declaring their schemas is enough.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
# A torch.library.Library takes its schemas with it when it is collected.
_declared: list[Any] = []


def import_torchvision() -> ModuleType:
    """The torchvision package, imported. Loads torch.

    Raises ModuleNotFoundError where torch or torchvision is not installed.
    """
    if "torchvision" not in sys.modules:
        _declare_missing_operators()
    import torchvision

    return torchvision


def _declare_missing_operators() -> None:
    import torch

    if _load_compiled_operators():
        return
    fragment = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            fragment.define(schema)
    _declared.append(fragment)


def _load_compiled_operators() -> bool:
    """Whether torchvision's own operators could be loaded, which is what its import tries first."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed", name="torchvision")
    package = Path(spec.origin).parent
    for library in sorted([*package.glob("_C*.so"), *package.glob("_C*.pyd")]):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            continue
        return True
    return False

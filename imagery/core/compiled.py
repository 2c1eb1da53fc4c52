"""Networks as OpenVINO runs them on a CPU: converted once, kept beside the weights.

The same weights and the same graph as torch's, in bfloat16 where the processor multiplies it,
at half of torch's time; and a process that finds a converted network starts without torch.

A kept network is a folder <name>@<start of the weights' SHA-256>.<FORMAT> with the graph, its
numbers and `about.json`; it is written beside, then renamed. Weights with another SHA-256 find
nothing and are converted anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

FORMAT = 1  # of kept networks; one more whenever what is converted changes
_GRAPH, _ABOUT = "network.xml", "about.json"


@dataclass(frozen=True, slots=True)
class About:
    """What a kept network is; `preset` holds the fields of backbones.Preset in plain types."""

    name: str
    sha256: str
    file_name: str
    classes: list[str]
    width: int
    preset: dict[str, Any]


def installed() -> bool:
    try:
        import openvino  # noqa: F401
    except ImportError:
        return False
    return True


class CompiledPass:
    """Forward passes on this CPU. For one thread at a time."""

    # Few enough that a layer's numbers stay in the core's cache: a sixth faster than 16, and
    # fewer rows go to waste. A row's bits depend neither on its place nor on the others.
    rows = 4

    def __init__(self, network: Any, threads: int | None) -> None:
        import openvino

        core = openvino.Core()
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        side = network.input(0).partial_shape[1].get_length()
        network.reshape([self.rows, side, side, 3])
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if "BF16" in able else "f32",
            "NUM_STREAMS": 1,
            # Pinned, the worker's processes would all sit on the first core.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = core.compile_model(network, "CPU", options).create_infer_request()

    def __call__(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows, side, side, 3) uint8 → SNC, NC, float32."""
        out = self._request.infer([block], share_inputs=True)
        return out[0], out[1]


def convert(encoder: nn.Module, side: int, folder: Path) -> Path:
    """Write what `networks.encoder` gives as a graph into a folder. Loads torch.

    Raises RuntimeError for a network that cannot be traced or converted.
    """
    import openvino
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    example = torch.zeros((CompiledPass.rows, side, side, 3), dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(encoder, example, check_trace=False)
    # `openvino.convert_model` does the same, and reports its use to its makers.
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=example)
    network = frontend.convert(frontend.load(decoder))
    network.reshape([CompiledPass.rows, side, side, 3])
    path = folder / _GRAPH
    openvino.save_model(network, path, compress_to_fp16=False)
    return path


@contextlib.contextmanager
def drafting(kept: Path | None) -> Iterator[Path]:
    """A folder to write into, gone afterwards unless `keep` moved it; where kept ones are, or
    in the system's temporary folder where that takes nothing.
    """
    draft = None
    if kept is not None:
        with contextlib.suppress(OSError):
            kept.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=kept, prefix=".draft-"))
    draft = draft or Path(tempfile.mkdtemp(prefix="network-"))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def keep(draft: Path, about: About, kept: Path) -> None:
    """Make a draft one of the kept networks; nothing where that cannot be."""
    final = kept / f"{about.name}@{about.sha256[:16]}.{FORMAT}"
    with contextlib.suppress(OSError):  # another process was first, or the disk is full
        (draft / _ABOUT).write_text(json.dumps(asdict(about)))
        shutil.rmtree(final, ignore_errors=True)
        draft.replace(final)


def find(
    name: str, folder: Path, weights_dir: Path | None, cache_dir: Path
) -> tuple[Path, About] | None:
    """A kept network made of the weights that are in use now, and what it is."""
    own = weights_dir / f"{name}.pth" if weights_dir is not None else None
    digests: dict[Path, str] = {}
    for kept, about in _kept(name, folder):
        path = own if own is not None and own.is_file() else cache_dir / about.file_name
        try:
            if path not in digests:
                with path.open("rb") as file:
                    digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue
        if digests[path] == about.sha256:
            return kept / _GRAPH, about
    return None


def _kept(name: str, folder: Path) -> Iterator[tuple[Path, About]]:
    for kept in sorted(folder.glob(f"{name}@*.{FORMAT}")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield kept, About(**json.loads((kept / _ABOUT).read_text()))


def read(path: Path) -> Any:
    """An openvino.Model from a kept file. Raises RuntimeError where it is damaged."""
    import openvino

    return openvino.Core().read_model(path)

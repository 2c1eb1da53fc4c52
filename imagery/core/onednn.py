"""Convolutions of a traced network as single oneDNN calls, on CPUs that compute in bfloat16.

A convolution and the rectifier after it become one pass over memory, with weights laid out
once as the kernel wants them: the same numbers, at about two thirds of the time (MobileNetV2).
The operators are those that torch's own compiler emits; where a build lacks them, or a model
could not be traced, the model is left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


def join(model: nn.Module, leave: Iterable[nn.Module] = ()) -> int:
    """Replace the model's convolutions in place, those in `leave` aside. Returns how many."""
    from torch import fx, nn

    if not isinstance(model, fx.GraphModule) or not _available():
        return 0
    left = {id(layer) for layer in leave}
    calls = [node for node in model.graph.nodes if node.op == "call_module"]
    times = Counter(str(node.target) for node in calls)
    # A layer that serves in several places (ResNet's rectifiers) stays as it is.
    once = {n: layer for n, layer in model.named_modules() if times[n] == 1}
    joined = 0
    for node in calls:
        layer = once.get(str(node.target))
        if type(layer) is not nn.Conv2d or id(layer) in left or not _plain(layer):
            continue
        after = next(iter(node.users)) if len(node.users) == 1 else None
        follows = str(after.target) if after is not None and after.op == "call_module" else ""
        kind, limits = _kind(once.get(follows))
        model.set_submodule(str(node.target), _joined(layer, kind, limits))
        if kind != "none":
            model.set_submodule(follows, nn.Identity())
        joined += 1
    return joined


def _available() -> bool:
    import torch

    return (
        torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    )


def _plain(layer: nn.Conv2d) -> bool:
    return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _kind(layer: nn.Module | None) -> tuple[str, list[float]]:
    """What oneDNN calls the rectifier, and its limits; "none" where there is no such layer."""
    from torch import nn

    if type(layer) is nn.ReLU6:
        return "hardtanh", [0.0, 6.0]
    if type(layer) is nn.ReLU:
        return "relu", []
    return "none", []


def _joined(layer: nn.Conv2d, kind: str, limits: list[float]) -> nn.Module:
    import torch
    from torch import nn

    padding, stride, dilation = list(layer.padding), list(layer.stride), list(layer.dilation)
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight  # type: ignore[attr-defined]
    packed = layer.weight.detach().to_mkldnn()
    weight = reorder(packed, padding, stride, dilation, layer.groups, None)
    bias = None if layer.bias is None else layer.bias.detach()
    groups, convolve = layer.groups, torch.ops.mkldnn._convolution_pointwise

    class Joined(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return convolve(x, weight, bias, padding, stride, dilation, groups, kind, limits, "")

    return Joined()

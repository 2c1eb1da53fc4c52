"""Torchvision's classification models as torch runs them: built, cut at the last layer, run.

Here torch is loaded; `imagery.core.compiled` runs the same networks without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagery.core.torchvision_ready import import_torchvision
from imagery.core.weights import Published, WeightsMissing

if TYPE_CHECKING:
    import torch
    from torch import nn

    from imagery.core.backbones import Preset


def build(spec: Published, state: dict[str, torch.Tensor], path: Path) -> nn.Module:
    """The architecture with its weights, ready to run.

    Raises WeightsMissing where they do not fit it, or are not numbers.
    """
    tv = import_torchvision()
    options: dict[str, Any] = {}
    if spec.name in ("googlenet", "inception_v3"):
        options = {"transform_input": True, "aux_logits": True, "init_weights": False}
    elif spec.name.startswith("vit_"):
        options = {"image_size": spec.min_size[0]}
    model = tv.models.get_model(spec.name, weights=None, **options)
    if not all(value.isfinite().all() for value in state.values()):
        raise WeightsMissing(f"{path} gives no finite vectors for {spec.name}: not its weights")
    try:
        model.load_state_dict(state, strict=True)
    except (RuntimeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        detail = "; ".join(lines[1:3] or lines)[:300]
        raise WeightsMissing(f"{path} does not fit {spec.name}: {detail}") from None
    return model.eval()


def last_layer(model: nn.Module) -> nn.Module:
    """The layer that gives the classes: the last linear one, else the last convolution."""
    from torch import nn

    for kind in (nn.Linear, nn.Conv2d):
        found = [layer for layer in model.modules() if isinstance(layer, kind)]
        if found:
            return found[-1]
    raise ValueError(f"{type(model).__name__} has neither a linear layer nor a convolution")


def width_before(layer: nn.Module) -> int:
    """How many numbers the last layer sees of one picture."""
    return int(getattr(layer, "in_features", 0) or layer.in_channels)  # type: ignore[arg-type]


def encoder(model: nn.Module, preset: Preset) -> nn.Module:
    """(n, side, side, 3) uint8 → SNC and NC, one module around the model.

    Its last layer computes in float32: bfloat16 logits would make the softmax coarse.
    """
    import torch
    from torch import nn

    last = last_layer(model)

    class Encoder(nn.Module):
        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.seen: list[torch.Tensor] = []
            last.register_forward_pre_hook(self.catch)
            shape = (1, 3, 1, 1)
            self.register_buffer("mean", torch.tensor(preset.mean).reshape(shape) * 255)
            self.register_buffer("std", torch.tensor(preset.std).reshape(shape) * 255)

        def catch(self, _layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[Any, ...]:
            x = inputs[0].float()
            self.seen.append(x)
            return (x,)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            # (n, h, w, 3) seen as (n, 3, h, w) is channels-last already.
            x = pixels.permute(0, 3, 1, 2).float()
            x = (x - self.mean) / self.std
            self.seen.clear()
            logits = self.model(x.to(next(self.model.parameters()).dtype))
            seen = self.seen.pop()
            if seen.ndim == 4:  # a convolution classifies, as SqueezeNet's: its input, averaged
                seen = seen.mean(dim=(2, 3))
            snc = torch.softmax(logits.float(), dim=1)
            return snc, torch.nn.functional.normalize(seen.flatten(1), dim=1)

    return Encoder().eval()


class TorchPass:
    """Forward passes by torch, on a device and in a precision. For one thread at a time."""

    # Every pass has this many rows: which kernels run, and so each last bit, depends on it.
    rows = 16
    rows_cuda = 128  # a GPU computes as quickly on so many

    def __init__(
        self, model: nn.Module, preset: Preset, device: torch.device, dtype: torch.dtype
    ) -> None:
        import torch

        self._device = device
        if device.type == "cuda":
            self.rows = self.rows_cuda
        self._encoder = encoder(model, preset).to(device)
        model.to(dtype=dtype)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        last_layer(model).float()

    def __call__(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows, side, side, 3) uint8 → SNC, NC, float32."""
        import torch

        with torch.inference_mode():
            snc, nc = self._encoder(torch.from_numpy(block).to(self._device))
            return snc.cpu().numpy(), nc.cpu().numpy()


def precisions(device: torch.device) -> list[torch.dtype]:
    """What to compute in, best first: bfloat16 only where hardware multiplies it."""
    import torch

    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("amx_bf16") or able.get("avx512_bf16"))
    return [torch.bfloat16, torch.float32] if fast else [torch.float32]


def fused(model: nn.Module) -> nn.Module:
    """Batch norms folded into the convolutions before them, where the model can be traced."""
    import torch
    from torch.fx.experimental import optimization

    try:
        return optimization.fuse(model)
    except (torch.fx.proxy.TraceError, NotImplementedError, TypeError, RuntimeError):
        return model

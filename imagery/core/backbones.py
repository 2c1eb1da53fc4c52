"""Vectors from convolutional and transformer backbones: SNC and NC from one forward pass.

Softmax Neural Codes (SNC) are the 1000 class probabilities, Neural Codes (NC) what the
last layer sees (paper A §II; Babenko et al. 2014). Any torchvision classification model.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from imagery.core import onednn, weights
from imagery.core.torchvision_ready import import_torchvision
from imagery.core.weights import WeightsMissing, available

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["Backbone", "WeightsMissing", "available", "load"]

# Every pass has this many rows, padded at the end: which kernels run, and so each last bit,
# depends on the shape. 16 fills the tiles of AMX and costs a lone picture little.
BATCH = 16


@dataclass(frozen=True, slots=True)
class Preset:
    """How a model wants its pictures: torchvision's ImageClassification transform."""

    resize: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: Image.Resampling

    @classmethod
    def of(cls, transforms: Any) -> Preset:
        return cls(
            transforms.resize_size[0],
            transforms.crop_size[0],
            tuple(transforms.mean),
            tuple(transforms.std),
            Image.Resampling[transforms.interpolation.name],
        )


class Backbone:
    """A model with its published weights, ready to encode. Made by `load`; threads may share it."""

    def __init__(
        self,
        name: str,
        version: str,
        classes: list[str],
        preset: Preset,
        model: nn.Module,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        import torch

        self.name, self.version, self.classes = name, version, classes
        self.preset = preset
        self._device, self._dtype = device, dtype
        self._lock = threading.Lock()
        self._seen: list[torch.Tensor] = []
        self._model = model.to(device=device, dtype=dtype)
        self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        last = _last_layer(self._model)
        # The last layer in float32: bfloat16 logits would make the softmax coarse.
        last.float()
        last.register_forward_pre_hook(self._catch)
        if device.type == "cpu" and dtype == torch.bfloat16:
            onednn.join(self._model, leave=[last])
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(preset.mean, device=device).reshape(shape) * 255
        self._std = torch.tensor(preset.std, device=device).reshape(shape) * 255

    @property
    def precision(self) -> str:
        """'bfloat16' or 'float32': in what the pass before the last layer is computed."""
        return str(self._dtype).removeprefix("torch.")

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 of any size → (crop, crop, 3) uint8, the network's input.

        Short side resized with anti-aliasing, centre cropped, as the model's torchvision
        preset does; about 1 ms from 600×450, releases the GIL.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
        height, width = pixels.shape[:2]
        if not height or not width:
            raise ValueError(f"a picture without pixels: {pixels.shape}")
        short, crop = min(height, width), self.preset.crop
        # At least the crop: a preset may name a smaller side and leave a black rim.
        resize = max(self.preset.resize, crop)
        new_width = int(resize * width / short)
        new_height = int(resize * height / short)
        left, top = round((new_width - crop) / 2), round((new_height - crop) / 2)
        # Resizing only the part that is kept: a panorama costs no more than a square.
        # The margin covers what the filter reaches across the cut: bicubic, two pixels.
        margin = 3 + math.ceil(2 * resize / short)
        x0, x1 = max(left - margin, 0), min(left + crop + margin, new_width)
        y0, y1 = max(top - margin, 0), min(top + crop + margin, new_height)
        across, down = width / new_width, height / new_height
        part = Image.fromarray(pixels).resize(
            (x1 - x0, y1 - y0),
            self.preset.resample,
            box=(x0 * across, y0 * down, min(x1 * across, width), min(y1 * down, height)),
        )
        x, y = left - x0, top - y0
        return np.asarray(part.crop((x, y, x + crop, y + crop)))

    def encode(self, batch: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Prepared pictures → SNC (n, 1000) float32, NC (n, d) float32 of length 1.

        One forward pass for both. A row does not depend on the batch's other rows.
        """
        side = self.preset.crop
        for at, picture in enumerate(batch):
            if picture.shape != (side, side, 3) or picture.dtype != np.uint8:
                raise ValueError(
                    f"picture {at}: want ({side}, {side}, 3) uint8 as prepare() gives, "
                    f"got {picture.shape} {picture.dtype}"
                )
        if not batch:
            return np.zeros((0, len(self.classes)), np.float32), np.zeros((0, self.d), np.float32)
        parts = [self._forward(batch[at : at + BATCH]) for at in range(0, len(batch), BATCH)]
        snc, nc = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        return snc, nc

    @property
    def d(self) -> int:
        """Width of NC."""
        last = _last_layer(self._model)
        return int(getattr(last, "in_features", 0) or last.in_channels)  # type: ignore[arg-type]

    def _forward(self, pictures: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        import torch

        side = self.preset.crop
        block = np.zeros((BATCH, side, side, 3), np.uint8)
        np.stack(pictures, out=block[: len(pictures)])
        with self._lock, torch.inference_mode():
            # (n, h, w, 3) seen as (n, 3, h, w) is channels-last already.
            x = torch.from_numpy(block).to(self._device).permute(0, 3, 1, 2)
            x = ((x.float() - self._mean) / self._std).to(self._dtype)
            self._seen.clear()
            logits = self._model(x)
            seen = self._seen.pop()
            if seen.ndim == 4:  # a convolution classifies, as SqueezeNet's: its input, averaged
                seen = seen.mean(dim=(2, 3))
            snc = torch.softmax(logits.float(), dim=1)
            nc = torch.nn.functional.normalize(seen.flatten(1), dim=1)
            n = len(pictures)
            return snc[:n].cpu().numpy(), nc[:n].cpu().numpy()

    def _catch(self, _layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[Any, ...]:
        x = inputs[0].float()
        self._seen.append(x)
        return (x,)


def load(
    name: str = "mobilenet_v2",
    *,
    weights_dir: Path | None = None,
    cache_dir: Path | None = None,
    device: str | None = None,
    threads: int | None = None,
    timeout_s: float = 5.0,
) -> Backbone:
    """A torchvision classification model with its weights, fused and warm. Loads torch.

    Weights: weights_dir/<name>.pth, else torchvision's own, downloaded into cache_dir and
    checked by hash. device: 'cuda', 'cpu'; by default the first there is. threads: of the
    whole process, unchanged by default. bfloat16 where the device computes in it.
    Raises ValueError for an unknown name, WeightsMissing.
    """
    import torch

    spec = weights.published(name)
    state, digest, path = weights.find(spec, weights_dir, cache_dir, timeout_s)
    if threads is not None:
        torch.set_num_threads(threads)
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    for dtype in _precisions(target):
        made = Backbone(
            name,
            f"{name}@{digest[:8]}",
            spec.classes,
            Preset.of(spec.transforms),
            _fused(_model(spec, state, path)),
            target,
            dtype,
        )
        if _computes(made):
            return made
    raise WeightsMissing(f"{path} gives no finite vectors for {name}: not its weights")


def _model(spec: weights.Published, state: dict[str, torch.Tensor], path: Path) -> nn.Module:
    """The architecture with its weights. Raises WeightsMissing where they do not fit it."""
    tv = import_torchvision()
    options: dict[str, Any] = {}
    if spec.name in ("googlenet", "inception_v3"):
        options = {"transform_input": True, "aux_logits": True, "init_weights": False}
    elif spec.name.startswith("vit_"):
        options = {"image_size": spec.min_size[0]}
    model = tv.models.get_model(spec.name, weights=None, **options)
    try:
        model.load_state_dict(state, strict=True)
    except (RuntimeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        detail = "; ".join(lines[1:3] or lines)[:300]
        raise WeightsMissing(f"{path} does not fit {spec.name}: {detail}") from None
    return model.eval()


def _fused(model: nn.Module) -> nn.Module:
    """Batch norms folded into the convolutions before them, where the model can be traced."""
    import torch
    from torch.fx.experimental import optimization

    try:
        return optimization.fuse(model)
    except (torch.fx.proxy.TraceError, NotImplementedError, TypeError, RuntimeError):
        return model


def _last_layer(model: nn.Module) -> nn.Module:
    """The layer that gives the classes: the last linear one, else the last convolution."""
    from torch import nn

    for kind in (nn.Linear, nn.Conv2d):
        found = [layer for layer in model.modules() if isinstance(layer, kind)]
        if found:
            return found[-1]
    raise ValueError(f"{type(model).__name__} has neither a linear layer nor a convolution")


def _precisions(device: torch.device) -> list[torch.dtype]:
    """What to compute in, best first: bfloat16 only where hardware multiplies it."""
    import torch

    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("amx_bf16") or able.get("avx512_bf16"))
    return [torch.bfloat16, torch.float32] if fast else [torch.float32]


def _computes(backbone: Backbone) -> bool:
    """One pass over a grey ramp: also makes the first picture as quick as the second."""
    side = backbone.preset.crop
    ramp = np.broadcast_to(np.linspace(0, 255, side)[:, None, None], (side, side, 3))
    try:
        snc, nc = backbone.encode([ramp.astype(np.uint8)])
    except (RuntimeError, NotImplementedError):
        return False
    return bool(np.isfinite(snc).all() and np.isfinite(nc).all())

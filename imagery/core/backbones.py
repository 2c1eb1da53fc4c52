"""Vectors from convolutional and transformer backbones: SNC and NC from one forward pass.

Softmax Neural Codes (SNC) are the 1000 class probabilities, Neural Codes (NC) what the
last layer sees (paper A §II; Babenko et al. 2014). Any torchvision classification model.

A backbone runs by OpenVINO on a CPU (`compiled`), by torch on a GPU and wherever OpenVINO is not
installed or does not take the network (`networks`). Which of them ran is no part of its version:
in bfloat16 the two differ from each other by a quarter of what either differs from float32.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from imagery.core import compiled, networks, weights
from imagery.core.decode import Pixels, as_image
from imagery.core.torchvision_ready import import_torchvision
from imagery.core.weights import WeightsMissing, available

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Backbone", "WeightsMissing", "available", "import_runtime", "load"]

# Device files of GPUs that torch may know how to use; without them it is not asked.
_GPUS = ("/dev/nvidiactl", "/dev/kfd")


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

    @classmethod
    def from_plain(cls, fields: dict[str, Any]) -> Preset:
        return cls(
            int(fields["resize"]),
            int(fields["crop"]),
            tuple(fields["mean"]),
            tuple(fields["std"]),
            Image.Resampling[fields["resample"]],
        )

    def plain(self) -> dict[str, Any]:
        """The fields as JSON takes them."""
        return {
            "resize": self.resize,
            "crop": self.crop,
            "mean": list(self.mean),
            "std": list(self.std),
            "resample": self.resample.name,
        }


class Pass(Protocol):
    """(rows, crop, crop, 3) uint8 → SNC (rows, 1000), NC (rows, d), float32.

    Always so many rows, padded, so that a row's bits do not depend on its companions.
    """

    rows: int

    def __call__(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class Backbone:
    """A model with its published weights, ready to encode. Made by `load`; threads may share it."""

    def __init__(
        self, name: str, version: str, classes: list[str], d: int, preset: Preset, run: Pass
    ) -> None:
        """d: width of NC."""
        self.name, self.version, self.classes, self.d = name, version, classes, d
        self.preset = preset
        self._run = run
        self._lock = threading.Lock()

    @property
    def rows(self) -> int:
        """Pictures of one forward pass: fewer are padded."""
        return self._run.rows

    def prepare(self, pixels: Pixels) -> np.ndarray:
        """(h, w, 3) uint8 or RGB of any size → (crop, crop, 3) uint8, the network's input.

        Short side resized with anti-aliasing, centre cropped, as the model's torchvision
        preset does; about 1 ms from 600×450, releases the GIL.
        """
        if not isinstance(pixels, Image.Image) and (
            pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8
        ):
            raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
        image = as_image(pixels)
        width, height = image.size
        if not height or not width:
            raise ValueError(f"a picture without pixels: {width} × {height}")
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
        part = image.resize(
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
        rows = self._run.rows
        block = np.zeros((rows, side, side, 3), np.uint8)
        snc = np.empty((len(batch), len(self.classes)), np.float32)
        nc = np.empty((len(batch), self.d), np.float32)
        for at in range(0, len(batch), rows):
            part = batch[at : at + rows]
            np.stack(part, out=block[: len(part)])
            with self._lock:
                soft, neural = self._run(block)
            snc[at : at + rows], nc[at : at + rows] = soft[: len(part)], neural[: len(part)]
        return snc, nc


def load(
    name: str = "mobilenet_v2",
    *,
    weights_dir: Path | None = None,
    cache_dir: Path | None = None,
    device: str | None = None,
    threads: int | None = None,
    timeout_s: float = 5.0,
) -> Backbone:
    """A torchvision classification model with its weights, warm.

    Weights: weights_dir/<name>.pth, else torchvision's own, downloaded into cache_dir and
    checked by hash; networks converted for this CPU are kept in cache_dir/compiled. device:
    'cuda', 'cpu'; by default the first there is. threads: for a pass on the CPU, all by default.
    bfloat16 where the device computes in it. Loads torch unless a kept network serves.
    Raises ValueError for an unknown name, WeightsMissing.
    """
    if device == "cpu" or (device is None and not _gpu_at_hand()):
        kept = _from_kept(name, weights_dir, cache_dir, threads)
        if kept is not None:
            return kept
    import torch

    spec = weights.published(name)
    state, digest, path = weights.find(spec, weights_dir, cache_dir, timeout_s)
    if threads is not None:
        torch.set_num_threads(threads)
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    preset = Preset.of(spec.transforms)
    model = networks.build(spec, state, path)
    d = networks.width_before(networks.last_layer(model))
    about = compiled.About(name, digest, spec.file_name, spec.classes, d, preset.plain())
    if target.type == "cpu" and compiled.installed():
        made = _converted(model, about, cache_dir, threads)
        if made is not None:
            return made
    for dtype in networks.precisions(target):
        run = networks.TorchPass(
            networks.fused(networks.build(spec, state, path)), preset, target, dtype
        )
        made = _backbone(about, run)
        if _computes(made):
            return made
    raise WeightsMissing(f"{path} gives no finite vectors for {name}: not its weights")


def import_runtime(name: str, *, weights_dir: Path | None, cache_dir: Path) -> None:
    """Import what `load` will need: before processes part, so that they share it.

    Imports start no threads, so parting is safe.
    """
    on_cpu = compiled.installed() and not _gpu_at_hand()
    # `installed` has imported OpenVINO already.
    if not on_cpu or compiled.find(name, _folder(cache_dir), weights_dir, cache_dir) is None:
        import_torchvision()


def likely_device() -> str:
    """ "cuda" or "cpu", told by what is plugged in: asking torch would forbid parting processes."""
    return "cuda" if _gpu_at_hand() else "cpu"


def _gpu_at_hand() -> bool:
    return any(Path(device).exists() for device in _GPUS)


def _folder(cache_dir: Path) -> Path:
    return cache_dir / "compiled"


def _backbone(about: compiled.About, run: Pass) -> Backbone:
    version = f"{about.name}@{about.sha256[:8]}"
    preset = Preset.from_plain(about.preset)
    return Backbone(about.name, version, about.classes, about.width, preset, run)


def _from_kept(
    name: str, weights_dir: Path | None, cache_dir: Path | None, threads: int | None
) -> Backbone | None:
    """A backbone from a network converted earlier; None where there is none that computes."""
    if cache_dir is None or not compiled.installed():
        return None
    found = compiled.find(name, _folder(cache_dir), weights_dir, cache_dir)
    if found is None:
        return None
    path, about = found
    try:
        made = _backbone(about, compiled.CompiledPass(compiled.read(path), threads))
    except (RuntimeError, LookupError, ValueError, TypeError):  # damaged, or of other hands
        return None
    return made if _computes(made) else None


def _converted(
    model: nn.Module, about: compiled.About, cache_dir: Path | None, threads: int | None
) -> Backbone | None:
    """A backbone of the network converted now, which is kept; None where it does not convert."""
    preset = Preset.from_plain(about.preset)
    kept = None if cache_dir is None else _folder(cache_dir)
    with compiled.drafting(kept) as draft:
        try:
            # Written and read even where it is not kept: every process has the same graph then.
            path = compiled.convert(networks.encoder(model, preset), preset.crop, draft)
            made = _backbone(about, compiled.CompiledPass(compiled.read(path), threads))
        except (RuntimeError, ImportError, OSError):
            return None
        if not _computes(made):
            return None
        if kept is not None:
            compiled.keep(draft, about, kept)
        return made


def _computes(backbone: Backbone) -> bool:
    """One pass over a grey ramp: also makes the first picture as quick as the second."""
    side = backbone.preset.crop
    ramp = np.broadcast_to(np.linspace(0, 255, side)[:, None, None], (side, side, 3))
    try:
        snc, nc = backbone.encode([ramp.astype(np.uint8)])
    except (RuntimeError, NotImplementedError, ValueError):
        return False
    return bool(np.isfinite(snc).all() and np.isfinite(nc).all())

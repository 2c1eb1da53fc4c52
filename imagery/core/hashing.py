"""Perceptual hashes of one picture's pixels.

pHash is `imagehash.phash` (hash_size 8, highfreq_factor 4), bit for bit. PDQ is Meta's: "The
TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019; its box filters are
applied as matrices, at a third of the time of its own C++, which tests hold it against. Two
pictures are near-duplicates at pHash distance < 8 (A3); the PDQ lists' own rule is distance <= 31
where quality >= 50.
"""

from functools import lru_cache

import numpy as np
from PIL import Image
from scipy import fftpack

from imagery.core.decode import Pixels, as_image, shrink

# Stored beside every hash; bump one when its bits can change for the same file.
ALGORITHMS = {"phash": "phash64-2", "pdq": "pdq-2", "signature": "mean8x8-1"}

_SIDE = 32
_KEPT = 8
_FIXED_POINT_BITS = 22
_LANCZOS_LOBES = 3
_PDQ_SIDE = 512
_PDQ_GRID = 64
_PDQ_WAVES = 16
_GRID = 8


def phash(pixels: np.ndarray) -> np.ndarray:
    """(8,) uint8, big-endian bits: `hex` of it is `str(imagehash.phash(image))`.

    pixels: (h, w, 3) uint8 RGB, or (h, w) uint8 luma, which saves the conversion and gives the
    same bits when it is Pillow's (`Decoded.luma`; block means first change two bits at most).
    """
    luma = np.asarray(Image.fromarray(pixels).convert("L")) if pixels.ndim == 3 else pixels
    if luma.ndim != 2 or luma.dtype != np.uint8:
        raise ValueError(f"want (h, w, 3) or (h, w) uint8, got {pixels.shape} {pixels.dtype}")
    spectrum = fftpack.dct(fftpack.dct(_to_32(luma), axis=0)[:_KEPT], axis=1)[:, :_KEPT]
    half = _KEPT * _KEPT // 2
    below, above = np.partition(spectrum, (half - 1, half), axis=None)[half - 1 : half + 1]
    return np.packbits(spectrum > (below + above) / 2)


def pdq(pixels: Pixels) -> tuple[np.ndarray, int]:
    """(32,) uint8 in the order of PDQ's hexadecimal form, and PDQ's quality, 0–100.

    pixels: (h, w, 3) uint8 or RGB; block means bring sides above 512 below it first.
    """
    image = shrink(_rgb(pixels), _PDQ_SIDE)
    luma = np.asarray(image.convert("F"))  # 0.299 R + 0.587 G + 0.114 B, not rounded
    cells = (_box_means(image.height) @ luma) @ _box_means(image.width).T
    waves = _pdq_waves()
    spectrum = (waves @ cells @ waves.T).reshape(-1)[::-1]
    middle = np.partition(spectrum, spectrum.size // 2 - 1)[spectrum.size // 2 - 1]
    return np.packbits(spectrum > middle), _pdq_quality(cells)


def signature(pixels: Pixels) -> np.ndarray:
    """(192,) uint8: mean colours of an 8 × 8 grid, row by row, R G B; compares flat pictures.

    pixels: (h, w, 3) uint8 or RGB.
    """
    cells = as_image(pixels).resize((_GRID, _GRID), Image.Resampling.BOX)
    return np.asarray(cells).reshape(-1).copy()


def to_hex(digest: np.ndarray) -> str:
    """Lower-case hexadecimal of (b,) uint8."""
    return digest.astype(np.uint8).tobytes().hex()


def from_hex(text: str) -> np.ndarray:
    """(b,) uint8; raises ValueError for anything but whole bytes in hexadecimal."""
    try:
        return np.frombuffer(bytes.fromhex(text), np.uint8)
    except ValueError as error:
        raise ValueError(f"not a hash in hexadecimal: {text[:80]!r}") from error


def _to_32(luma: np.ndarray) -> np.ndarray:
    """Pillow's Lanczos resize of (h, w) uint8 to 32 × 32, exactly, as two matrix products.

    Pillow resamples 8-bit pictures in fixed point and rounds to bytes after each pass. Every sum
    is below 2**53, so float64 products give the same integers, at well under half the time. Pillow
    13 goes down first where the height shrinks more than twice as much as the width; tests hold
    this against the installed Pillow.
    """
    height, width = luma.shape
    if height > _SIDE and height - _SIDE > 2 * (width - _SIDE):
        return _across(_down(luma))
    return _down(_across(luma))


def _across(luma: np.ndarray) -> np.ndarray:
    return _round(luma.astype(np.float64) @ _weights(luma.shape[1]))


def _down(luma: np.ndarray) -> np.ndarray:
    return _round(_weights(luma.shape[0]).T @ luma.astype(np.float64))


def _round(sums: np.ndarray) -> np.ndarray:
    scaled = np.floor((sums + 2.0 ** (_FIXED_POINT_BITS - 1)) * 2.0**-_FIXED_POINT_BITS)
    return np.clip(scaled, 0, 255).astype(np.uint8)


@lru_cache(maxsize=256)
def _weights(size: int) -> np.ndarray:
    """(size, 32) float64 whole numbers: Pillow's fixed-point Lanczos weights from size to 32."""
    scale = size / _SIDE
    stretch = max(scale, 1.0)
    centre = (np.arange(_SIDE) + 0.5) * scale
    first = np.maximum((centre - _LANCZOS_LOBES * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + _LANCZOS_LOBES * stretch + 0.5).astype(np.int64), size)
    position = np.arange(size)[:, None]
    offset = (position - centre + 0.5) * (1.0 / stretch)
    inside = (position >= first) & (position < last) & (np.abs(offset) <= _LANCZOS_LOBES)
    kernel = np.where(inside, np.sinc(offset) * np.sinc(offset / _LANCZOS_LOBES), 0.0)
    kernel /= kernel.sum(axis=0)
    fixed = np.trunc(kernel * 2.0**_FIXED_POINT_BITS + np.copysign(0.5, kernel))
    fixed.setflags(write=False)
    return fixed


def _rgb(pixels: Pixels) -> Image.Image:
    """Raises ValueError for anything but (h, w, 3) uint8 or an RGB image."""
    if isinstance(pixels, Image.Image):
        if pixels.mode != "RGB":
            raise ValueError(f"want an RGB picture, got {pixels.mode}")
    elif pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
    return as_image(pixels)


@lru_cache(maxsize=256)
def _box_means(size: int) -> np.ndarray:
    """(64, size) float32: PDQ's two passes of a box filter and its 64 samples, as one matrix."""
    wide = (size + 2 * _PDQ_GRID - 1) // (2 * _PDQ_GRID)
    ahead = (wide + 2) // 2
    place = np.arange(size)
    first = np.maximum(place - wide + ahead, 0)[:, None]
    last = np.minimum(place + ahead, size)[:, None]
    box = ((place >= first) & (place < last)) / (last - first)
    samples = ((np.arange(_PDQ_GRID) + 0.5) * size / _PDQ_GRID).astype(np.int64)
    means = (box[samples] @ box).astype(np.float32)
    means.setflags(write=False)
    return means


@lru_cache(maxsize=1)
def _pdq_waves() -> np.ndarray:
    """(16, 64) float32: the lowest waves of the cosine transform but the constant one."""
    wave = np.arange(1, _PDQ_WAVES + 1)[:, None]
    angle = np.pi / 2 / _PDQ_GRID * wave * (2 * np.arange(_PDQ_GRID) + 1)
    return (np.sqrt(2 / _PDQ_GRID) * np.cos(angle)).astype(np.float32)


def _pdq_quality(cells: np.ndarray) -> int:
    """0–100: how much neighbouring cells differ, in whole hundredths of the range."""
    steps = (np.diff(cells, axis=0), np.diff(cells, axis=1))
    whole = sum(int(np.abs((step * 100 / 255).astype(np.int32)).sum()) for step in steps)
    return min(100, whole // 90)

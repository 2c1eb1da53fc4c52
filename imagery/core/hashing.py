"""Perceptual hashes of one picture's pixels.

pHash is `imagehash.phash` (hash_size 8, highfreq_factor 4), bit for bit. PDQ is Meta's, by its
own C++ (pdqhash): "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
2019. Two pictures are near-duplicates at pHash distance < 8 (A3); the PDQ lists' own rule is
distance <= 31 where quality >= 50.
"""

from functools import lru_cache

import numpy as np
import pdqhash
from PIL import Image
from scipy import fftpack

from imagery.core.decode import shrink

# Stored beside every hash; bump one when its bits can change for the same file.
ALGORITHMS = {"phash": "phash64-1", "pdq": "pdq-1", "signature": "mean8x8-1"}

_SIDE = 32
_KEPT = 8
_FIXED_POINT_BITS = 22
_LANCZOS_LOBES = 3
_PDQ_SIDE = 512
_GRID = 8


def phash(pixels: np.ndarray) -> np.ndarray:
    """(8,) uint8, big-endian bits: `hex` of it is `str(imagehash.phash(image))`.

    pixels: (h, w, 3) uint8 RGB, or (h, w) uint8 luma, which saves the conversion and gives the
    same bits when it is Pillow's (`Decoded.luma`).
    """
    luma = np.asarray(Image.fromarray(pixels).convert("L")) if pixels.ndim == 3 else pixels
    if luma.ndim != 2 or luma.dtype != np.uint8:
        raise ValueError(f"want (h, w, 3) or (h, w) uint8, got {pixels.shape} {pixels.dtype}")
    spectrum = fftpack.dct(fftpack.dct(_to_32(luma), axis=0), axis=1)[:_KEPT, :_KEPT]
    return np.packbits(spectrum > np.median(spectrum))


def pdq(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """(32,) uint8 in the order of PDQ's hexadecimal form, and PDQ's quality, 0–100.

    pixels: (h, w, 3) uint8 RGB; block means bring sides above 512 below it first.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
    bits, quality = pdqhash.compute(shrink(pixels, _PDQ_SIDE))
    return np.packbits(bits.astype(bool)), int(quality)


def signature(pixels: np.ndarray) -> np.ndarray:
    """(192,) uint8: mean colours of an 8 × 8 grid, row by row, R G B; compares flat pictures.

    pixels: (h, w, 3) uint8.
    """
    cells = Image.fromarray(pixels).resize((_GRID, _GRID), Image.Resampling.BOX)
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

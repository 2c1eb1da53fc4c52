"""Bytes of unknown origin to pixels: the one place where pictures are decoded.

Formats are told by their first bytes and allow-listed; the size is read from the header and
checked before anything is decoded. Colour profiles (ICC) are ignored: hashes and vectors compare
what is stored, as imagehash and the networks' usual loaders do.

Pictures well above `min_side` are reduced by a power of two: JPEGs while decoding (DCT scaling,
which saves most of the work), the others by block means, so that a PNG and a JPEG of one picture
give nearly the same pixels.
"""

import io
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pillow_heif
from PIL import Image, ImageFile

from imagery.core import salvage
from imagery.core.formats import count_gif_frames, describe, sniff

__all__ = [
    "Decoded",
    "Pixels",
    "Refused",
    "as_image",
    "decode",
    "render",
    "shrink",
    "sniff",
    "thumbnail",
]

# Readers of pictures take Pillow's image as well as its array: going from one to the other costs
# as much as many of the measures.
Pixels = np.ndarray | Image.Image

# One thread per picture: workers already run side by side.
pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False)

MAX_PIXELS = 100_000_000
SMALL_SIDE = 512
LEAST_DECODED = 0.5
_ROWS_HELD_BACK = 18

_PILLOW_NAMES = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "bmp": "BMP",
    "tiff": "TIFF",
    "heic": "HEIF",
}

# What Pillow and its plugins raise on wild bytes.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Refused(ValueError):
    """The bytes are not a picture this product takes; the message is for a person."""


@dataclass(frozen=True)
class Decoded:
    """One picture: upright, first frame, on white where it was transparent.

    image: RGB. small_image: block means of it, neither side above 512.
    pixels: (h, w, 3) uint8, read-only: `image` as an array. small: (h', w', 3), likewise.
    luma: (h', w') uint8, Pillow's "L" of the small image (ITU-R 601), so that readers share it.
    width, height: of the upright original, before any reduction.
    format: "jpeg", "png", "webp", "gif", "bmp", "tiff" or "heic".
    frames: 1 unless animated; pages of a TIFF or HEIC do not count.
    truncated: the tail was broken and what decoded was used; missing rows are grey (128).
    """

    image: Image.Image
    small_image: Image.Image
    width: int
    height: int
    format: str
    frames: int
    truncated: bool

    @cached_property
    def pixels(self) -> np.ndarray:
        return np.asarray(self.image)

    @cached_property
    def small(self) -> np.ndarray:
        return np.asarray(self.small_image)

    @cached_property
    def luma(self) -> np.ndarray:
        return np.asarray(self.small_image.convert("L"))


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The upright RGB image, reduced, with what its file said of it."""

    image: Image.Image
    width: int
    height: int
    format: str
    frames: int
    truncated: bool


def decode(data: bytes, *, min_side: int = 320, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode at the smallest power-of-two scale that leaves the short side >= min_side.

    1200 x 900 comes back as 600 x 450. Raises Refused, and nothing else, for anything that is not
    a usable picture. Peaks at about 12 bytes per pixel of the original (JPEG: of the reduced one).
    Above 178 million pixels Pillow itself refuses, whatever max_pixels says.
    """
    loaded = _load(data, min, min_side, max_pixels)
    return Decoded(
        image=loaded.image,
        small_image=shrink(loaded.image, SMALL_SIDE),
        width=loaded.width,
        height=loaded.height,
        format=loaded.format,
        frames=loaded.frames,
        truncated=loaded.truncated,
    )


def as_image(pixels: Pixels) -> Image.Image:
    """Pillow's image of (h, w, 3) or (h, w) uint8; images as they are."""
    return pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)


def thumbnail(pixels: Pixels, max_side: int, quality: int = 82) -> tuple[bytes, int, int]:
    """JPEG bytes, width and height of a copy no longer than max_side; never enlarged.

    pixels: (h, w, 3) uint8 or RGB. Where halving, thirding … lands between 90 % and 100 % of
    max_side it is used as it is (600 becomes 300 under 320), at a fifth of an exact resize's cost.
    """
    return _encode(as_image(pixels), max_side, quality)


def render(
    data: bytes, max_side: int, quality: int = 82, *, max_pixels: int = MAX_PIXELS
) -> tuple[bytes, int, int]:
    """A rendition from original bytes, for sizes beyond `Decoded.pixels` (960, 1600 …).

    Returns JPEG bytes, width, height; never enlarged. Raises Refused as decode does.
    """
    return _encode(_load(data, max, max_side, max_pixels).image, max_side, quality)


def shrink(image: Image.Image, max_side: int) -> Image.Image:
    """Block means, so that no side exceeds max_side."""
    box = _box(image.size, max_side)
    return image.reduce(box) if box > 1 else image


def _encode(image: Image.Image, max_side: int, quality: int) -> tuple[bytes, int, int]:
    box = _box(image.size, max_side)
    if box > 1 and max(image.size) >= 0.9 * box * max_side:
        image = image.reduce(box)
    elif box > 1:
        image.thumbnail((max_side, max_side), Image.Resampling.HAMMING, reducing_gap=2.0)
    out = io.BytesIO()
    # Pillow would copy the original's comment, whatever it says.
    image.save(out, "JPEG", quality=quality, comment=b"")
    return out.getvalue(), image.width, image.height


def _box(size: tuple[int, int], max_side: int) -> int:
    """The least whole number that divides both sides to max_side or less."""
    return max(1, -(-max(size) // max_side))


def _load(data: bytes, side: Callable[[int, int], int], target: int, max_pixels: int) -> _Loaded:
    """Open, check and load, halved as long as side(width, height) stays >= target."""
    format_ = sniff(data)
    if format_ is None:
        raise Refused(describe(data))
    try:
        image = _open(data, format_)
        width, height = image.size
        _check_size(width, height, max_pixels)
        factor = 1
        while side(width // (2 * factor), height // (2 * factor)) >= target:
            factor *= 2
        frames = _count_frames(image, data, format_)
        image, rows = _load_pixels(image, data, format_, factor)
        upright, turned = _upright(image, _to_rgb(image), rows, format_)
        done = min(factor, 8) if format_ == "jpeg" else 1
        if factor > done:
            upright = upright.reduce(factor // done)
    except Refused:
        raise
    except _PILLOW_ERRORS as error:
        raise Refused(_reason(error, format_, max_pixels)) from error
    if turned:
        width, height = height, width
    return _Loaded(upright, width, height, format_, frames, rows is not None)


def _open(data: bytes, format_: str) -> ImageFile.ImageFile:
    # Naming the format keeps Pillow from trying any other decoder.
    return Image.open(io.BytesIO(data), formats=[_PILLOW_NAMES[format_]])


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise Refused(f"damaged: its header says {width} × {height} pixels")
    if width * height > max_pixels:
        raise Refused(
            f"too large: {width:,} × {height:,} pixels (limit {max_pixels / 1e6:,.3g} million)"
        )


def _load_pixels(
    image: ImageFile.ImageFile, data: bytes, format_: str, factor: int
) -> tuple[ImageFile.ImageFile, int | None]:
    """The image with its pixels, and how many of its rows decoded (None: nothing is missing)."""
    size = (max(1, image.width // factor), max(1, image.height // factor))
    if format_ == "jpeg" and factor > 1:
        image.draft(None, size)
    try:
        image.load()
    except (OSError, SyntaxError, EOFError, IndexError, struct.error, zlib.error):
        if image.info.get("progressive") and salvage.has_coarse_scan(data):
            image = _finish_jpeg(data, size)
            return image, image.height
        rows = salvage.keep_decoded(image)
        if rows == image.height:
            return image, None
        if format_ == "jpeg" and rows >= image.height - _ROWS_HELD_BACK:
            # libjpeg holds the last rows back until it sees the end marker, the only thing lost.
            return _finish_jpeg(data, size), None
        if rows < LEAST_DECODED * image.height:
            if rows == 0:
                raise
            share = 100 * rows // image.height
            raise Refused(f"ends early: only {share} % of its rows are there") from None
        return image, rows
    return image, None


def _finish_jpeg(data: bytes, size: tuple[int, int]) -> ImageFile.ImageFile:
    """Load with an end marker added, which makes libjpeg finish from what it has."""
    image = _open(data + b"\xff\xd9", "jpeg")
    image.draft(None, size)
    image.load()
    return image


def _upright(
    source: ImageFile.ImageFile, image: Image.Image, rows: int | None, format_: str
) -> tuple[Image.Image, bool]:
    """Grey out missing rows, then turn as EXIF says; also whether width and height swapped."""
    if rows is not None and rows < image.height:
        image = salvage.grey_out(image, rows, bottom_up=format_ == "bmp")
    # Pillow turns TIFF and libheif turns HEIC while loading.
    orientation = 1 if format_ in {"tiff", "heic"} else _read_orientation(source)
    turn = _TURNS.get(orientation)
    return (image if turn is None else image.transpose(turn)), orientation >= 5


def _read_orientation(image: ImageFile.ImageFile) -> int:
    """EXIF orientation 1–8; 1 where there is none or the EXIF block is broken."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _PILLOW_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode Pillow loads to RGB: transparency on white, wide ranges scaled to 8 bits."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_bytes(np.asarray(image), image.mode)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(layer, mask=layer.getchannel("A"))
        return white
    return image.convert("RGB")


def _to_bytes(values: np.ndarray, mode: str) -> np.ndarray:
    """(h, w) of 16-bit, 32-bit or float samples to uint8.

    16-bit samples use their full range by definition. Integers and floats of unknown range are
    taken as 0–1 (floats), 0–255 or 0–65535, whichever holds them, else stretched from their
    minimum to their maximum. Not-a-numbers become 0.
    """
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    elif low >= 0:
        ranges = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
        low, high = 0.0, next((top for top in ranges if high <= top), high)
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    return np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8)


def _count_frames(image: ImageFile.ImageFile, data: bytes, format_: str) -> int:
    if format_ in {"png", "webp"}:
        return max(1, int(getattr(image, "n_frames", 1)))
    if format_ == "gif":
        return count_gif_frames(data)
    return 1


def _reason(error: BaseException, format_: str, max_pixels: int) -> str:
    name = format_.upper()
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        found = re.search(r"(\d+) pixels", str(error))
        size = f"{int(found[1]) / 1e6:,.0f} million pixels" if found else "too many pixels"
        return f"too large: {size} (limit {max_pixels / 1e6:,.3g} million)"
    if isinstance(error, MemoryError):
        return f"too large: this {name} does not fit into memory"
    text = str(error)
    if "truncated" in text or "EOF" in text or isinstance(error, EOFError | struct.error):
        return f"ends early: this {name} file is incomplete"
    if isinstance(error, Image.UnidentifiedImageError) or not text:
        return f"damaged: begins like {name}, but its header makes no sense"
    return f"damaged {name}: {text.splitlines()[0][:120]}"

"""What is left of a picture whose tail is missing or broken.

Pillow's own switch for this (`LOAD_TRUNCATED_IMAGES`) is process-global and would race between
threads. It is not needed: when loading fails, the rows decoded so far are already in the image's
memory, and the untouched rest is one constant value.
"""

import numpy as np
from PIL import Image, ImageFile

GREY = 128


def decoded_rows(pixels: np.ndarray, *, bottom_up: bool = False) -> int:
    """Rows before the trailing run of rows that all hold one and the same value.

    pixels: (h, w) or (h, w, c), any dtype, as left by a failed load. Rows that really are flat
    and touch the break count as missing, so the answer errs on the low side.
    """
    rows = pixels.reshape(len(pixels), pixels.shape[1], -1)
    if bottom_up:
        rows = rows[::-1]
    touched = np.flatnonzero((rows != rows[-1, -1]).any(axis=(1, 2)))
    return int(touched[-1]) + 1 if len(touched) else 0


def keep_decoded(image: ImageFile.ImageFile) -> int:
    """Make a picture whose load() failed usable as it is; returns its number of decoded rows.

    0 where nothing can be said: formats that decode all or nothing, and interlaced files, whose
    early passes leave holes everywhere.
    """
    unsorted = _is_interlaced(image)
    image.tile = []
    if unsorted or image.format not in {"JPEG", "MPO", "PNG", "GIF", "BMP"}:
        return 0
    image.load()
    return decoded_rows(np.asarray(image), bottom_up=image.format == "BMP")


def _is_interlaced(image: ImageFile.ImageFile) -> bool:
    if image.format == "GIF" and image.tile:
        args = image.tile[0].args
        return isinstance(args, tuple) and bool(args[1])
    return bool(image.info.get("interlace")) or bool(image.info.get("progressive"))


def has_coarse_scan(data: bytes) -> bool:
    """Whether a progressive JPEG goes beyond its first scan, so the whole area is there roughly."""
    frame = data.find(b"\xff\xc2")
    return frame >= 0 and data.count(b"\xff\xda", frame) >= 2


def grey_out(image: Image.Image, rows: int, *, bottom_up: bool = False) -> Image.Image:
    """Paint everything after the first `rows` rows (RGB image, changed in place) grey."""
    top, bottom = (0, image.height - rows) if bottom_up else (rows, image.height)
    image.paste((GREY, GREY, GREY), (0, top, image.width, bottom))
    return image

"""The demo event's picture files: every shot in several versions, and what goes wrong.

The same seed and library versions give the same bytes. Each file draws from a generator of
its own, so a file does not depend on how many came before it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from imagery.core import edits
from imagery.demo.shots import BY_NAME, SHOTS, Shot, picture

# How often each kind of edit is met; `same` is a second upload of the same picture.
KINDS: dict[str, float] = {
    "same": 6, "recompress": 14, "resize": 13, "brightness": 9, "saturation": 8, "blur": 4,
    "sharpen": 7, "watermark": 8, "sepia": 4, "crop5": 4, "crop15": 6, "border": 5,
    "caption": 7, "screenshot": 4, "mirror": 4,
}  # fmt: skip

# A watermark's edges outweigh an even texture: a perceptual hash would not know the copy.
# And no jokes are written on people who were never asked.
UNFIT: dict[str, str] = {
    "hubble": "watermark",
    "brick": "watermark",
    "moon": "watermark",
    "page": "watermark",
    "astronaut": "caption",
    "camera": "caption",
}

EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class MadeFile:
    """One file of the event. `fault` is empty where a picture can be read from it."""

    name: str
    topic: str
    source: str
    kind: str
    strength: str
    fault: str = ""


def make_files(
    folder: Path, n_files: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> list[MadeFile]:
    """Writes n_files (at least 24) into the folder and says what each is. About 60 ms a file."""
    if n_files < 24:
        raise ValueError(f"the demo event needs at least 24 files, got {n_files}")
    folder.mkdir(parents=True, exist_ok=True)
    made: list[MadeFile] = []
    for content, file in _contents(n_files, seed):
        (folder / file.name).write_bytes(content)
        made.append(file)
        if progress is not None:
            progress(len(made), n_files)
    return made


def _contents(n_files: int, seed: int) -> Iterator[tuple[bytes, MadeFile]]:
    n_blank = min(len(BLANKS), max(2, n_files // 80))
    odd = [*_odd_formats(), *_faults()]
    versions = _versions(n_files - n_blank - len(odd), seed)
    index = 0
    for shot, kind in versions:
        name = f"{index:05d}.jpg"
        content = _version(shot, kind, np.random.default_rng([seed, index]))
        yield content, MadeFile(name, shot.topic, shot.name, kind, edits.EDITS[kind].strength)
        index += 1
    for label, draw in list(BLANKS.items())[:n_blank]:
        name = f"{index:05d}.jpg"
        pixels = draw(np.random.default_rng([seed, index]))
        yield _jpeg(pixels, 88), MadeFile(name, "pocket", f"blank-{label}", "same", "mild")
        index += 1
    for suffix, content, shot, kind, strength, fault in odd:
        name = f"{index:05d}.{suffix}"
        yield content, MadeFile(name, shot.topic, shot.name, kind, strength, fault)
        index += 1


def _versions(n: int, seed: int) -> list[tuple[Shot, str]]:
    """n (shot, edit) pairs: every shot once as it was taken, the first ones in many versions."""
    rng = np.random.default_rng([seed, 1_000_001])
    shots = SHOTS[: max(6, min(len(SHOTS), n // 3))]
    weights = np.arange(1, len(shots) + 1) ** -0.65
    extra = rng.multinomial(n - len(shots), weights / weights.sum())
    pairs: list[tuple[Shot, str]] = []
    for shot, n_more in zip(shots, extra, strict=True):
        kinds = {k: w for k, w in KINDS.items() if k != UNFIT.get(shot.photograph)}
        chances = np.array(list(kinds.values())) / sum(kinds.values())
        pairs.append((shot, "same"))
        pairs += [(shot, str(kind)) for kind in rng.choice(list(kinds), n_more, p=chances)]
    return pairs


def _version(shot: Shot, kind: str, rng: np.random.Generator) -> bytes:
    quality = edits.jpeg_quality(kind, rng)
    return _jpeg(edits.apply(kind, picture(shot), rng), quality)


def _jpeg(pixels: np.ndarray, quality: int) -> bytes:
    return _saved(Image.fromarray(pixels), "JPEG", quality=quality)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


# -- flat pictures --------------------------------------------------------------------------


def _plain(red: int, green: int, blue: int, noise: float) -> Callable[..., np.ndarray]:
    def draw(rng: np.random.Generator) -> np.ndarray:
        flat = np.full((600, 800, 3), (red, green, blue), np.float32)
        return np.clip(flat + rng.normal(0, noise, flat.shape), 0, 255).astype(np.uint8)

    return draw


def _sky(rng: np.random.Generator) -> np.ndarray:
    """A grey sky: a few levels from top to bottom."""
    fall = np.linspace(196, 206, 600)[:, None, None] + np.array([-2.0, 0.0, 3.0])
    return np.broadcast_to(fall, (600, 800, 3)).round().astype(np.uint8)


BLANKS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "black": _plain(3, 3, 5, 1.0),
    "white": _plain(255, 255, 255, 0.0),
    "finger": _plain(142, 60, 46, 2.0),
    "sky": _sky,
    "night": _plain(12, 14, 24, 2.5),
}

# -- formats that readers stumble over ------------------------------------------------------

Odd = tuple[str, bytes, Shot, str, str, str]  # suffix, content, shot, kind, strength, fault


def _odd_formats() -> list[Odd]:
    flower, coffee = BY_NAME["flower"], BY_NAME["coffee"]
    cat, rocket, pavilion = BY_NAME["cat"], BY_NAME["rocket"], BY_NAME["pavilion"]
    camera = BY_NAME["camera"]
    tail = _jpeg(picture(rocket), 85)
    return [
        ("gif", _animation(rocket), rocket, "animated", "mild", ""),
        ("png", _cut_out(flower), flower, "transparent", "strong", ""),
        ("webp", _webp(coffee), coffee, "webp", "mild", ""),
        ("jpg", _cmyk(pavilion), pavilion, "cmyk", "mild", ""),
        ("jpg", _turned(camera), camera, "turned", "mild", ""),
        ("jpg", tail[: len(tail) * 4 // 5], rocket, "truncated", "strong", ""),
        ("png", _palette(cat), cat, "palette", "mild", ""),
    ]


def _image(shot: Shot, long_side: int = 10_000) -> Image.Image:
    image = Image.fromarray(picture(shot))
    image.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    return image


def _animation(shot: Shot) -> bytes:
    """Six frames that close in on the middle, the whole picture first."""
    whole = _image(shot, 400)
    frames = []
    for step in range(6):
        cut_x, cut_y = whole.width * step / 22, whole.height * step / 22
        box = (cut_x, cut_y, whole.width - cut_x, whole.height - cut_y)
        closer = whole.resize(whole.size, Image.Resampling.BILINEAR, box)
        frames.append(closer.quantize(128, Image.Quantize.FASTOCTREE))
    return _saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=180, loop=0)


def _cut_out(shot: Shot) -> bytes:
    """The middle of the picture, softly cut out; transparent around it."""
    image = _image(shot, 640)
    mask = Image.new("L", image.size, 0)
    width, height = image.size
    ImageDraw.Draw(mask).ellipse(
        (width * 0.27, height * 0.15, width * 0.71, height * 0.80), fill=255
    )
    image.putalpha(mask.filter(ImageFilter.GaussianBlur(3)))
    return _saved(image, "PNG")


def _webp(shot: Shot) -> bytes:
    return _saved(_image(shot), "WEBP", quality=80)


def _cmyk(shot: Shot) -> bytes:
    return _saved(_image(shot).convert("CMYK"), "JPEG", quality=85)


def _palette(shot: Shot) -> bytes:
    return _saved(_image(shot, 600).quantize(128, Image.Quantize.FASTOCTREE), "PNG")


def _turned(shot: Shot) -> bytes:
    """Lying on its side, with the EXIF orientation that sets it upright."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    return _saved(_image(shot).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=85, exif=exif)


# -- files without a picture in them --------------------------------------------------------


def _faults() -> list[Odd]:
    cat, stars = BY_NAME["cat"], BY_NAME["hubble"]
    page = (
        b"<!DOCTYPE html>\n<html><head><title>404</title></head>"
        b"<body><h1>This picture is no longer available</h1></body></html>\n"
    )
    return [
        ("jpg", _jpeg(picture(cat), 85)[:300], cat, "broken", "", "ends within its header"),
        ("jpg", page, stars, "broken", "", "a web page named .jpg"),
        ("jpg", b"", cat, "broken", "", "an empty file"),
        ("png", _bomb(60_000), stars, "broken", "", "60,000 × 60,000 pixels in a few bytes"),
    ]


def _bomb(side: int) -> bytes:
    """A PNG whose header promises side × side pixels that are not there."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(3 * 1024))
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))
        for tag, body in chunks
    )

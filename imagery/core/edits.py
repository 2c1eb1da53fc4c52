"""What social media does to a picture: the edits a copy goes through between two posts.

Every edit takes pixels, (h, w, 3) uint8 RGB, and a random generator that draws its
parameters, and returns new pixels of the same kind; the input is never written to. The
same generator state gives the same pixels. Re-compression happens when a picture is saved,
so `recompress` leaves the pixels alone and `jpeg_quality` draws the quality to save at.

*Mild* edits leave a picture what it was: a perceptual hash should still know it. *Strong*
ones change what is in the frame (or its colours for good), and mostly escape such a hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Pixels = np.ndarray
Strength = Literal["mild", "strong"]

CAPTIONS = (
    "When you said five minutes",
    "Nobody: … Me at 3 a.m.:",
    "Still the best seat in town",
    "POV: you stayed for the encore",
    "Tell me you were there",
    "Cuando dicen que ya no queda sitio",
    "This week, explained",
    "Me explaining it to my mum",
)
HANDLES = ("@tide.table", "@norte_visual", "@lamplighter", "@salt.and.light", "@maremagnum")


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that happens to a picture, and how much it changes it."""

    kind: str
    strength: Strength
    apply: Callable[[Pixels, np.random.Generator], Pixels]


def apply(kind: str, pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture after one edit of that kind.

    pixels: (h, w, 3) uint8, both sides at least 16. Raises ValueError for anything else and
    for a kind that is not in EDITS.
    """
    if kind not in EDITS:
        raise ValueError(f"unknown edit {kind!r}: one of {', '.join(EDITS)}")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"want (h, w, 3) uint8, got {pixels.shape} {pixels.dtype}")
    if min(pixels.shape[:2]) < 16:
        raise ValueError(f"too small to edit: {pixels.shape[1]} × {pixels.shape[0]} pixels")
    return EDITS[kind].apply(pixels, rng)


def jpeg_quality(kind: str, rng: np.random.Generator) -> int:
    """Quality to save an edited picture at: 30–85 for `recompress`, 80–90 otherwise."""
    low, high = (30, 85) if kind == "recompress" else (80, 90)
    return int(rng.integers(low, high + 1))


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow was built without FreeType: it cannot write on pictures")
    return font


def _same(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return pixels.copy()


def _resize(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """0.4–1.0 of the size."""
    scale = rng.uniform(0.4, 1.0)
    height, width = pixels.shape[:2]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _brightness(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """0.8–1.18 times as bright: beyond, light pictures lose what is in them."""
    factor = rng.uniform(0.8, 1.18)
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor))


def _saturation(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Paler (0.3–0.7) or richer (1.3–1.8) colours."""
    factor = rng.uniform(0.3, 0.7) if rng.random() < 0.5 else rng.uniform(1.3, 1.8)
    return np.asarray(ImageEnhance.Color(Image.fromarray(pixels)).enhance(factor))


def _blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Gaussian, radius 0.2–0.5 % of the long side."""
    radius = max(pixels.shape[:2]) * rng.uniform(0.002, 0.005)
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def _sharpen(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    percent = int(rng.integers(80, 181))
    mask = ImageFilter.UnsharpMask(radius=2, percent=percent, threshold=2)
    return np.asarray(Image.fromarray(pixels).filter(mask))


def _watermark(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A small translucent handle in one of the lower corners."""
    image = Image.fromarray(pixels).convert("RGBA")
    text = str(rng.choice(HANDLES))
    size = max(10, round(image.width * rng.uniform(0.025, 0.035)))
    font = _font(size)
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    margin = size * 0.7
    left = margin if rng.random() < 0.5 else image.width - margin - draw.textlength(text, font)
    at = (left, image.height - margin - size)
    draw.text(at, text, (255, 255, 255, 190), font, stroke_width=1, stroke_fill=(0, 0, 0, 110))
    return np.asarray(Image.alpha_composite(image, layer).convert("RGB"))


def _sepia(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Brown toning, fully or down to two thirds."""
    amount = float(rng.uniform(0.66, 1.0))
    toned = ImageOps.colorize(
        Image.fromarray(pixels).convert("L"), "#1c120a", "#fff3dc", mid="#a07a50"
    )
    return np.asarray(Image.blend(Image.fromarray(pixels), toned, amount))


def crop(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Cuts `share` (0–0.9) off the width and the height, unevenly between opposite sides."""
    if not 0 <= share <= 0.9:
        raise ValueError(f"share to crop must lie in 0–0.9, got {share}")
    height, width = pixels.shape[:2]
    cut_y, cut_x = round(height * share), round(width * share)
    top = int(rng.integers(cut_y // 4, cut_y - cut_y // 4 + 1))
    left = int(rng.integers(cut_x // 4, cut_x - cut_x // 4 + 1))
    return pixels[top : top + height - cut_y, left : left + width - cut_x].copy()


def _crop5(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return crop(pixels, 0.05, rng)


def _crop15(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return crop(pixels, 0.15, rng)


def _border(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A frame: an even one, an instant-photo one, or padding to a square."""
    image = Image.fromarray(pixels)
    colour = str(rng.choice(("#ffffff", "#faf6ec", "#101010", "#1d2b3a")))
    style = str(rng.choice(("even", "instant", "square")))
    edge = round(max(image.size) * rng.uniform(0.05, 0.09))
    if style == "square":
        side = max(image.size) + 2 * edge
        framed = Image.new("RGB", (side, side), colour)
        framed.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        return np.asarray(framed)
    bottom = edge * 3 if style == "instant" else edge
    framed = Image.new("RGB", (image.width + 2 * edge, image.height + edge + bottom), colour)
    framed.paste(image, (edge, edge))
    return np.asarray(framed)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines


def _caption(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A band with a line of text above (mostly) or below the picture, as memes have it."""
    image = Image.fromarray(pixels)
    dark = rng.random() < 0.25
    paper, ink = ("#0f1115", "#f5f5f5") if dark else ("#ffffff", "#111111")
    font = _font(max(12, round(image.width * 0.052)))
    line = round(font.size * 1.25)
    lines = _wrapped(str(rng.choice(CAPTIONS)), font, image.width * 0.92)
    band = line * len(lines) + round(font.size * 1.2)
    below = rng.random() < 0.2
    whole = Image.new("RGB", (image.width, image.height + band), paper)
    whole.paste(image, (0, 0 if below else band))
    draw = ImageDraw.Draw(whole)
    for row, text in enumerate(lines):
        y = (image.height if below else 0) + font.size * 0.5 + row * line
        draw.text((image.width / 2, y), text, ink, font, anchor="ma")
    return np.asarray(whole)


def _screenshot(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture as a phone shows it in a feed: status bar, header, buttons, comments."""
    ink, paper, faint = [("#f2f2f2", "#0d0f12", "#3a3f47"), ("#14171a", "#ffffff", "#c9ced4")][
        int(rng.integers(2))
    ]
    width = 720
    picture = Image.fromarray(pixels)
    shown = picture.resize(
        (width, round(width * picture.height / picture.width)), Image.Resampling.LANCZOS
    )
    top = 176
    height = max(1080, top + shown.height + 260)
    phone = Image.new("RGB", (width, height), paper)
    phone.paste(shown, (0, top))
    draw = ImageDraw.Draw(phone)
    _status_bar(draw, rng, ink)
    hue = tuple(int(v) for v in rng.integers(70, 220, 3))
    draw.ellipse((28, 84, 100, 156), hue)
    draw.text((120, 94), str(rng.choice(HANDLES)), ink, _font(28))
    draw.rounded_rectangle((120, 134, 290, 146), 6, faint)
    _below_picture(draw, rng, top + shown.height, height, ink, faint)
    return np.asarray(phone)


def _status_bar(draw: ImageDraw.ImageDraw, rng: np.random.Generator, ink: str) -> None:
    clock = f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}"
    draw.text((32, 22), clock, ink, _font(26))
    for bar in range(4):
        draw.rectangle((560 + bar * 11, 46 - 6 * (bar + 1), 567 + bar * 11, 48), ink)
    charge = int(rng.integers(6, 44))
    draw.rounded_rectangle((630, 24, 682, 48), 6, outline=ink, width=2)
    draw.rounded_rectangle((634, 28, 634 + charge, 44), 3, ink)


def _below_picture(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, y: int, height: int, ink: str, faint: str
) -> None:
    """Heart, speech bubble and arrow, then grey lines where comments would be."""
    draw.ellipse((32, y + 30, 54, y + 52), "#e0245e")
    draw.ellipse((50, y + 30, 72, y + 52), "#e0245e")
    draw.polygon([(34, y + 46), (70, y + 46), (52, y + 68)], "#e0245e")
    draw.ellipse((108, y + 30, 146, y + 64), outline=ink, width=3)
    draw.line([(182, y + 62), (218, y + 32), (206, y + 66), (182, y + 62)], ink, 3)
    likes = f"{int(10 ** rng.uniform(1, 4.4)):,} likes"
    draw.text((32, y + 88), likes, ink, _font(26))
    for top in range(y + 140, height - 60, 44):
        draw.rounded_rectangle((32, top, int(rng.integers(260, 680)), top + 16), 8, faint)


def _mirror(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return pixels[:, ::-1].copy()


EDITS: dict[str, Edit] = {
    edit.kind: edit
    for edit in (
        Edit("same", "mild", _same),
        Edit("recompress", "mild", _same),
        Edit("resize", "mild", _resize),
        Edit("brightness", "mild", _brightness),
        Edit("saturation", "mild", _saturation),
        Edit("blur", "mild", _blur),
        Edit("sharpen", "mild", _sharpen),
        Edit("watermark", "mild", _watermark),
        Edit("sepia", "strong", _sepia),
        Edit("crop5", "strong", _crop5),
        Edit("crop15", "strong", _crop15),
        Edit("border", "strong", _border),
        Edit("caption", "strong", _caption),
        Edit("screenshot", "strong", _screenshot),
        Edit("mirror", "strong", _mirror),
    )
}

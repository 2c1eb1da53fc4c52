"""The photographs of the demo event, and the shots taken from them.

A *shot* is one picture that someone could have posted: a whole photograph, or a region of a
large one that shows something else. Grey photographs are toned, as filters do.

Where they come from, all inside the installed wheels, so nothing is downloaded:

- scikit-image: astronaut (NASA, public domain), brick, grass and gravel (CC0, cc0textures),
  camera (CC0, Lav Varshney), chelsea (CC0, Stéfan van der Walt), clock_motion (public domain,
  Stéfan van der Walt), coffee (CC0, Rachel Michetti, courtesy of Pikolo Espresso Bar), coins
  (no known restrictions, Brooklyn Museum), hubble_deep_field (NASA, public domain), ihc and
  moon (no known restrictions), page (scikit-image), retina (CC0, Häggström 2014), rocket
  (SpaceX, public domain), text (public domain).
- scikit-learn: china (CC BY 2.0, danielbuechele) and flower (CC BY 2.0, vultilion).

Left out: photographs whose licence their package does not state, and pictures that are no
photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

Box = tuple[float, float, float, float]

LONG_SIDE = 1200  # pixels: what networks scale photographs down to
REGION_SIDE = 720  # pixels: what a small region is enlarged towards
MAX_ENLARGEMENT, MAX_REGION_ENLARGEMENT = 1.6, 2.4
GUTTER = 12  # pixels between the parts of a collage

PHOTOGRAPHS: dict[str, tuple[str, str]] = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "camera": ("skimage", "data/camera.png"),
    "cat": ("skimage", "data/chelsea.png"),
    "clock": ("skimage", "data/clock_motion.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "moon": ("skimage", "data/moon.png"),
    "page": ("skimage", "data/page.png"),
    "pavilion": ("sklearn", "datasets/images/china.jpg"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "text": ("skimage", "data/text.png"),
    "tissue": ("skimage", "data/ihc.png"),
}

# Dark, middle and light colour that the greys of a photograph become.
TONES: dict[str, tuple[str, str, str]] = {
    "bronze": ("#140d06", "#8a6433", "#ffe9b8"),
    "terracotta": ("#2a0f0a", "#b5573a", "#f3d9bf"),
    "meadow": ("#0c1a0a", "#4f7f35", "#e6f0a8"),
    "night": ("#050914", "#4a6690", "#eef4ff"),
    "sand": ("#241c14", "#9a8468", "#fbf2df"),
    "dusk": ("#160f2a", "#8a5a86", "#ffe3c4"),
}


class PhotographMissing(FileNotFoundError):
    """A photograph is not where its package used to carry it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One distinct picture. `box`: left, top, right, bottom as shares of the photograph.

    A collage has four `parts`, names of other shots, in place of a photograph.
    """

    name: str
    topic: str
    photograph: str = ""
    box: Box = (0.0, 0.0, 1.0, 1.0)
    tone: str = ""
    parts: tuple[str, ...] = ()


@cache
def _photograph(name: str) -> Image.Image:
    package, inside = PHOTOGRAPHS[name]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PhotographMissing(f"{package} is not installed: its photographs make the demo event")
    path = Path(spec.origin).parent / inside
    if not path.is_file():
        raise PhotographMissing(f"{package} no longer carries {inside} (looked in {path.parent})")
    return Image.open(path).convert("RGB")


@lru_cache(maxsize=4)  # versions of one shot are made one after the other
def picture(shot: Shot) -> np.ndarray:
    """(h, w, 3) uint8 of one shot: its region, enlarged and toned, or its collage. Read-only.

    Raises PhotographMissing where the packages do not carry the photograph.
    """
    pixels = np.asarray(_collage(shot) if shot.parts else _region(shot)).copy()
    pixels.flags.writeable = False
    return pixels


def _region(shot: Shot) -> Image.Image:
    image = _photograph(shot.photograph)
    sides = (image.width, image.height) * 2
    left, top, right, bottom = (round(s * side) for s, side in zip(shot.box, sides, strict=True))
    image = image.crop((left, top, right, bottom))
    long_side = max(image.size)
    scale = max(
        min(MAX_ENLARGEMENT, LONG_SIDE / long_side),
        min(MAX_REGION_ENLARGEMENT, REGION_SIDE / long_side),
    )
    size = (round(image.width * scale), round(image.height * scale))
    image = image.resize(size, Image.Resampling.LANCZOS)
    if scale > 1.2:
        image = image.filter(ImageFilter.UnsharpMask(radius=2, percent=60, threshold=2))
    if shot.tone:
        dark, middle, light = TONES[shot.tone]
        image = ImageOps.colorize(ImageOps.autocontrast(image.convert("L")), dark, light, middle)
    return image


def _collage(shot: Shot) -> Image.Image:
    """Four parts in a 2 × 2 square of 1,000 pixels, white between them."""
    side = (1000 - 3 * GUTTER) // 2
    square = Image.new("RGB", (2 * side + 3 * GUTTER,) * 2, "#ffffff")
    for place, name in enumerate(shot.parts):
        part = ImageOps.fit(_region(BY_NAME[name]), (side, side), Image.Resampling.LANCZOS)
        row, column = divmod(place, 2)
        square.paste(part, (GUTTER + column * (side + GUTTER), GUTTER + row * (side + GUTTER)))
    return square


# The order is that of worth: a small event takes the first ones.
SHOTS: tuple[Shot, ...] = (
    Shot("rocket", "launch", "rocket"),
    Shot("hubble", "stars", "hubble"),
    Shot("cat", "cat", "cat"),
    Shot("pavilion", "pavilion", "pavilion"),
    Shot("flower", "garden", "flower"),
    Shot("coffee", "coffee", "coffee"),
    Shot("astronaut", "space", "astronaut"),
    Shot("moon", "moon", "moon", tone="night"),
    Shot("retina", "laboratory", "retina"),
    Shot("camera", "photowalk", "camera"),
    Shot("tissue", "laboratory", "tissue"),
    Shot("pavilion-roofs", "pavilion", "pavilion", (0.24, 0.02, 0.80, 0.50)),
    Shot("flower-close", "garden", "flower", (0.33, 0.20, 0.63, 0.72)),
    Shot("rocket-close", "launch", "rocket", (0.36, 0.12, 0.72, 0.98)),
    Shot("cat-eyes", "cat", "cat", (0.14, 0.10, 0.86, 0.56)),
    Shot("coffee-cup", "coffee", "coffee", (0.22, 0.00, 0.72, 0.62)),
    Shot("hubble-spiral", "stars", "hubble", (0.00, 0.00, 0.50, 0.50)),
    Shot("coins", "museum", "coins", tone="bronze"),
    Shot("astronaut-portrait", "space", "astronaut", (0.20, 0.00, 0.68, 0.46)),
    Shot("pavilion-lake", "pavilion", "pavilion", (0.60, 0.30, 1.00, 0.88)),
    Shot("best-of", "collage", parts=("flower-close", "rocket", "coffee", "pavilion-roofs")),
    Shot("brick", "oldtown", "brick", tone="terracotta"),
    Shot("grass", "garden", "grass", tone="meadow"),
    Shot("hubble-east", "stars", "hubble", (0.50, 0.00, 1.00, 0.52)),
    Shot("hubble-south", "stars", "hubble", (0.46, 0.48, 1.00, 1.00)),
    Shot("hubble-west", "stars", "hubble", (0.00, 0.48, 0.48, 1.00)),
    Shot("hubble-centre", "stars", "hubble", (0.25, 0.22, 0.75, 0.74)),
    Shot("moon-craters", "moon", "moon", (0.10, 0.04, 0.62, 0.50), tone="sand"),
    Shot("moon-sea", "moon", "moon", (0.36, 0.52, 1.00, 1.00), tone="dusk"),
    Shot("retina-vessels", "laboratory", "retina", (0.08, 0.22, 0.52, 0.72)),
    Shot("retina-centre", "laboratory", "retina", (0.44, 0.30, 0.92, 0.84)),
    Shot("tissue-rings", "laboratory", "tissue", (0.00, 0.00, 0.62, 0.50)),
    Shot("tissue-island", "laboratory", "tissue", (0.38, 0.48, 1.00, 1.00)),
    Shot("skies", "collage", parts=("moon", "hubble-spiral", "rocket-close", "astronaut-shuttle")),
    Shot("warm", "collage", parts=("cat-eyes", "coffee-cup", "coins-row", "flower")),
    Shot("small-worlds", "collage", parts=("tissue", "retina", "flower-close", "grass")),
    Shot("rocket-lights", "launch", "rocket", (0.00, 0.60, 0.56, 1.00)),
    Shot("rocket-tower", "launch", "rocket", (0.00, 0.00, 0.34, 0.80)),
    Shot("coffee-spoon", "coffee", "coffee", (0.44, 0.40, 0.96, 1.00)),
    Shot("cat-whiskers", "cat", "cat", (0.30, 0.40, 1.00, 1.00)),
    Shot("cat-ear", "cat", "cat", (0.00, 0.00, 0.46, 0.74)),
    Shot("astronaut-shuttle", "space", "astronaut", (0.60, 0.02, 1.00, 0.58)),
    Shot("astronaut-helmet", "space", "astronaut", (0.44, 0.54, 1.00, 1.00)),
    Shot("astronaut-badge", "space", "astronaut", (0.10, 0.48, 0.56, 1.00)),
    Shot("pavilion-terrace", "pavilion", "pavilion", (0.22, 0.46, 0.82, 1.00)),
    Shot("pavilion-trees", "pavilion", "pavilion", (0.00, 0.40, 0.40, 1.00)),
    Shot("flower-leaves", "garden", "flower", (0.00, 0.00, 0.40, 1.00)),
    Shot("flower-bud", "garden", "flower", (0.40, 0.70, 0.78, 1.00)),
    Shot("camera-portrait", "photowalk", "camera", (0.24, 0.06, 0.76, 0.50), tone="sand"),
    Shot("camera-skyline", "photowalk", "camera", (0.56, 0.20, 1.00, 0.60), tone="dusk"),
    Shot("camera-tripod", "photowalk", "camera", (0.40, 0.30, 1.00, 1.00)),
    Shot("coins-corner", "museum", "coins", (0.62, 0.00, 1.00, 0.52), tone="bronze"),
    Shot("coins-row", "museum", "coins", (0.00, 0.52, 0.62, 1.00), tone="sand"),
    Shot("gravel", "oldtown", "gravel", tone="sand"),
    Shot("gravel-wet", "oldtown", "gravel", (0.50, 0.10, 0.95, 0.55), tone="night"),
    Shot("brick-corner", "oldtown", "brick", (0.05, 0.50, 0.55, 1.00), tone="dusk"),
    Shot("page", "lecture", "page"),
    Shot("text", "lecture", "text", tone="sand"),
    Shot("clock", "clock", "clock", tone="dusk"),
)

BY_NAME: dict[str, Shot] = {shot.name: shot for shot in SHOTS}

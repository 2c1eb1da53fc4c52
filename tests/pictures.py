"""Small pictures for tests: distinct by seed, and the same picture edited."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def photo(seed: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A smooth coloured texture; different seeds are far apart by pHash."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return (
        Image.fromarray(coarse)
        .resize(size, Image.Resampling.BICUBIC)
        .filter(ImageFilter.GaussianBlur(1))
    )


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def smaller(image: Image.Image, share: float = 0.7) -> Image.Image:
    return image.resize((int(image.width * share), int(image.height * share)))


def scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A photo with hundreds of sharp things in it, by which a part of it can be found."""
    rng = np.random.default_rng(seed)
    made = photo(seed, size)
    draw = ImageDraw.Draw(made)
    for _ in range(300):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        w, h = rng.uniform(6, 40, 2)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=colour)
    return made


def inner(image: Image.Image, share: float = 0.2) -> Image.Image:
    """Without that share of each side."""
    w, h = image.size
    return image.crop((int(w * share), int(h * share), int(w * (1 - share)), int(h * (1 - share))))

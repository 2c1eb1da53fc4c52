"""Small pictures for tests: distinct by seed, and the same picture edited."""

import io

import numpy as np
from PIL import Image, ImageFilter


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

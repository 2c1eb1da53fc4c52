"""Real photographs, from scikit-image's wheel: what local features are tested on."""

from functools import lru_cache

import numpy as np
from PIL import Image

NAMES = ("astronaut", "coffee", "chelsea", "rocket")


@lru_cache(maxsize=8)
def photograph(name: str, side: int = 320) -> np.ndarray:
    """(h, w, 3) uint8, no longer than side."""
    import skimage.data

    picture = Image.fromarray(getattr(skimage.data, name)())
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture)

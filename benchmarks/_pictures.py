"""Pictures to measure with: ordinary JPEGs, made from the photographs that scikit-image carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (1200, 900)


def make_files(folder: Path, n: int, seed: int = 1) -> list[Path]:
    """n different JPEGs of about 140 kB: regions of real photographs, turned and toned."""
    import skimage.data as data

    photographs = (data.astronaut, data.coffee, data.chelsea, data.rocket)
    sources = [Image.fromarray(photograph()) for photograph in photographs]
    rng = np.random.default_rng(seed)
    paths = []
    for i in range(n):
        photo = sources[i % len(sources)]
        w, h = photo.size
        share = rng.uniform(0.35, 0.9)
        cw, ch = int(w * share), int(min(h, w * share * 0.75))
        x, y = int(rng.integers(0, w - cw + 1)), int(rng.integers(0, h - ch + 1))
        picture = photo.crop((x, y, x + cw, y + ch)).resize(SIZE, Image.Resampling.BICUBIC)
        noise = rng.normal(0, 6, (SIZE[1], SIZE[0], 1))
        tone = rng.uniform(0.7, 1.25, 3)
        pixels = np.clip(np.asarray(picture, np.float32) * tone + noise, 0, 255).astype(np.uint8)
        path = folder / f"{i:06}.jpg"
        Image.fromarray(pixels).save(path, quality=72)
        paths.append(path)
    return paths

"""Shape: which way the edges run, and where."""

from __future__ import annotations

import numpy as np

from imagery.core.descriptors.reduced import reduced


def hog(pixels: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs 2005): (1764,) float32.

    pixels: (h, w, 3) uint8, seen at 64 × 64 grey; 9 orientations, cells of 8, blocks of 2 × 2
    normalised by L2-Hys.
    """
    from skimage.feature import hog as skimage_hog

    grey = np.asarray(reduced(pixels, 64).convert("L"))
    return skimage_hog(
        grey, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys"
    ).astype(np.float32)

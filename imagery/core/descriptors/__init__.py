"""Classic descriptors: a picture as a vector, without a trained model (paper A, Table I).

Each is `f(pixels (h, w, 3) uint8) -> (d,) float32`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imagery.core.descriptors.classic import VERSION, classic
from imagery.core.descriptors.colour import histogram, layout
from imagery.core.descriptors.gradient import hog
from imagery.core.descriptors.texture import lbp, lpq

__all__ = ["DESCRIPTORS", "VERSION", "classic", "histogram", "hog", "layout", "lbp", "lpq"]

DESCRIPTORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "histogram": histogram,
    "layout": layout,
    "lbp": lbp,
    "lpq": lpq,
    "hog": hog,
    "classic": classic,
}

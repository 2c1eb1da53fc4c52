"""Flat pictures by their mean colours: which of those seen are alike."""

from itertools import product

import numpy as np

# Levels of 255. Re-encoding and resizing moved the 8 × 8 means of 80 flat pictures by at most 3
# (JPEG quality 50 and above, WebP), 4 (half and double size) and 6 (JPEG quality 20, a tenth of
# the size). Plain colours further apart than this are told apart side by side.
TOLERANCE = 6


class Shades:
    """Signatures that can be added to and searched for those within TOLERANCE in every mean.

    Buckets by overall mean colour, which differs by no more than the single means do, keep a
    search to 27 of them.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[int, ...], tuple[list[int], list[np.ndarray]]] = {}

    def add(self, image: int, signature: np.ndarray) -> None:
        """Remember (192,) uint8 under an image's number."""
        images, signatures = self._cells.setdefault(_cell(signature), ([], []))
        images.append(image)
        signatures.append(signature)

    def near(self, signature: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Largest differences (k,) and images (k,) of all that were added and are alike."""
        images: list[int] = []
        rows: list[np.ndarray] = []
        for step in product((-1, 0, 1), repeat=3):
            cell = tuple(a + b for a, b in zip(_cell(signature), step, strict=True))
            if cell in self._cells:
                images += self._cells[cell][0]
                rows += self._cells[cell][1]
        if not images:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        apart = np.abs(np.stack(rows).astype(np.int16) - signature).max(axis=1)
        alike = apart <= TOLERANCE
        return apart[alike].astype(np.int64), np.array(images, np.int64)[alike]


def _cell(signature: np.ndarray) -> tuple[int, ...]:
    means = signature.reshape(-1, 3).mean(axis=0)
    return tuple(int(mean // (TOLERANCE + 1)) for mean in means)

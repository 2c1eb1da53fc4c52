"""Which decisions about copies were close: pairs that a person should look at."""

from __future__ import annotations

import numpy as np

from imagery.core.hamming import Index

ASKED = 3_000  # representatives, most posted first, whose surroundings are searched


def just_beyond(
    hashes: np.ndarray, threshold: int, posts: np.ndarray, margin: int = 4, asked: int = ASKED
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (k, 2) int64, i < j, of representatives up to `margin` bits beyond the threshold.

    Returns their distances (k,) int32 too. hashes: (n, 8) uint8, one of each set that is no flat
    picture. posts: (n,). Only pairs with one of the `asked` most posted are found, so that the
    cost grows with n alone: 3,000 times n comparisons.
    """
    first = np.argsort(-posts, kind="stable")[:asked]
    index = Index(hashes.shape[1], threshold + margin + 1)
    index.add(hashes)
    found = index.search(hashes[first])
    one = np.repeat(first, np.diff(found.indptr))
    low, high = np.minimum(one, found.indices), np.maximum(one, found.indices)
    pairs = np.stack([low, high], axis=1)[low != high]
    bits = found.distances[low != high]
    pairs, where = np.unique(pairs, axis=0, return_index=True)
    return pairs, bits[where]


def just_within(distance: np.ndarray, threshold: int, margin: int = 2) -> np.ndarray:
    """Images (k,) int64 that joined their set by the last `margin` bits below the threshold.

    distance: (n,) from the representative; 0 never is close.
    """
    close = (distance >= max(1, threshold - margin)) & (distance < threshold)
    return np.flatnonzero(close)

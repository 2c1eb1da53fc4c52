"""The vectors most like one, among many that are read in blocks."""

from collections.abc import Iterable

import numpy as np


def most_like(
    one: np.ndarray, blocks: Iterable[tuple[np.ndarray, np.ndarray]], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ids (m,) int64 and similarities 1 / (1 + distance) (m,) float64 of the k most alike.

    one: (d,). blocks: ids (n,) int64 and vectors (n, d) of any float kind; only one is held at a
    time. Most alike first, of equals the lowest id. Raises ValueError where the sizes differ.
    """
    one = np.asarray(one, np.float32).reshape(-1)
    ids, similar = np.zeros(0, np.int64), np.zeros(0)
    for block_ids, vectors in blocks:
        if vectors.ndim != 2 or vectors.shape[1] != len(one):
            raise ValueError(f"want vectors of {len(one)} numbers, got {vectors.shape}")
        apart = vectors.astype(np.float32) - one
        likeness = 1 / (1 + np.sqrt(np.einsum("ij,ij->i", apart, apart, dtype=np.float64)))
        ids = np.concatenate([ids, block_ids])
        similar = np.concatenate([similar, likeness])
        order = np.lexsort((ids, -similar))[:k]
        ids, similar = ids[order], similar[order]
    return ids, similar

"""How many posts each row of a ranking has, and how many its first rows have between them."""

from __future__ import annotations

import numpy as np


def counted(post: np.ndarray, row: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct posts of each row, and of the rows up to and including it.

    post: (m,) int64 ids; row: (m,) int64 in [0, n_rows); the same pair may come often.
    Returns two (n_rows,) int64.
    """
    if post.shape != row.shape:
        raise ValueError(f"want one row for each post, got {post.shape} and {row.shape}")
    post, row = np.unique(np.stack([post, row]), axis=1)
    n = np.bincount(row, minlength=n_rows)
    newest = np.concatenate([[True], post[1:] != post[:-1]]) if len(post) else np.zeros(0, bool)
    return n, np.bincount(row[newest], minlength=n_rows).cumsum()


def without_repeats(
    sums: np.ndarray, post: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `counted`, of rows whose posts are many and of which few show several pictures.

    sums: (n_rows,) int64, posts summed over each row's pictures. post, row: (m,) int64, an entry
    for each picture of a row that is in a post beside another picture.
    """
    alone = sums - np.bincount(row, minlength=len(sums))
    n, covered = counted(post, row, len(sums))
    return alone + n, alone.cumsum() + covered

"""64 bits for each local feature, such that features of copies share most of them.

The bits are the signs of the descriptor's lowest frequencies: it is a small picture itself, 4 × 4
cells by 8 directions, and a cosine transform over the cells and a Fourier one over the directions
leave most of its variance in a few numbers, as a trained projection would, without a file of
weights. The first 20 bits are the feature's word, by which it is looked up; the others tell apart
what shares a word ("Hamming embedding", Jégou, Douze, Schmid, 2008). Which frequencies, in the
order of their variance, and their medians, are those of 17,000 features of scikit-image's and
scikit-learn's photographs, mirrored too. The numbers are part of features' VERSION.
"""

from __future__ import annotations

import numpy as np

from imagery.core.features import Features

WORD_BITS = 20
INDEXED = 100  # features of one picture that are looked up: those that stand out most

# Three digits: frequency by rows, by columns, by direction (1, cos, sin, cos 2, sin 2, …, cos 4).
_FREQUENCIES = (
    1, 11, 3, 102, 2, 31, 21, 10, 13, 4, 103, 202, 104, 112, 0, 12, 23, 100, 302, 14, 111, 212,
    122, 101, 121, 20, 203, 114, 200, 231, 113, 7, 322, 22, 312, 211, 222, 110, 5, 124, 15, 131, 24,
    221,
    213, 123, 204, 201, 106, 6, 214, 16, 210, 33, 105, 304, 25, 132, 303, 116, 126, 224, 34, 134,
)  # fmt: skip
_MEDIANS = {
    1: 0.070, 11: -0.006, 3: 0.139, 31: 0.007, 21: -0.079, 10: -0.004,
    13: 0.002, 104: -0.002, 112: 0.041, 0: 0.755, 23: -0.045, 302: -0.009,
    20: -0.094, 203: -0.034, 114: 0.004, 200: -0.064, 231: -0.001, 7: 0.025,
    322: 0.003, 312: -0.013, 211: 0.002, 5: 0.027, 124: -0.001, 15: 0.001,
    221: 0.013, 201: -0.008, 106: 0.002, 210: -0.001, 25: -0.015, 132: -0.009,
    116: 0.001,
}  # fmt: skip


def _basis() -> np.ndarray:
    place = np.arange(4) + 0.5
    cells = [np.cos(np.pi * place * k / 4) for k in range(4)]
    turn = 2 * np.pi * np.arange(8) / 8
    waves = [np.ones(8)]
    for k in (1, 2, 3):
        waves += [np.cos(k * turn), np.sin(k * turn)]
    waves.append(np.cos(4 * turn))
    rows = [
        np.einsum("i,j,k->ijk", cells[n // 100], cells[n // 10 % 10], waves[n % 10]).reshape(-1)
        for n in _FREQUENCIES
    ]
    basis = np.array(rows, np.float32)
    return basis / np.linalg.norm(basis, axis=1, keepdims=True)


_BASIS = _basis()
_LIMITS = np.array([_MEDIANS.get(n, 0.0) for n in _FREQUENCIES], np.float32)


def codes(features: Features) -> np.ndarray:
    """(n,) uint64, the word in the highest 20 bits."""
    bits = features.unit() @ _BASIS.T > _LIMITS
    return np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)


# One row for each feature that is looked up: what candidates are found and ranked by.
ROW = np.dtype(
    [("code", "<u8"), ("x", "u1"), ("y", "u1"), ("size", "u1"), ("turn", "u1")]
)  # 12 bytes
SIZE_STEPS = 16  # to each doubling of a feature's diameter
TURN_STEPS = 256  # to the full turn


def rows_of(features: Features) -> np.ndarray:
    """(m,) of ROW, m at most INDEXED: codes with place, size and direction, coarsely."""
    # Large features are the ones that survive resizing.
    order = np.argsort(-features.points[:, 2], kind="stable")[:INDEXED]
    points = features.points[order]
    rows = np.zeros(len(order), ROW)
    rows["code"] = codes(features)[order]
    rows["x"], rows["y"] = np.clip(np.rint(points[:, :2]), 0, 255).T
    doublings = np.log2(np.maximum(points[:, 2], 1.0))
    rows["size"] = np.clip(np.rint(doublings * SIZE_STEPS), 0, 255)
    rows["turn"] = np.rint(points[:, 3] * TURN_STEPS / 360) % TURN_STEPS
    return rows

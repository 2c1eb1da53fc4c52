"""The vectors most like one."""

import numpy as np
import pytest

from imagery.core.likeness import most_like


def test_by_hand() -> None:
    blocks = [
        (np.array([5, 3]), np.array([[3.0, 4.0], [0.0, 0.0]], np.float16)),
        (np.array([1, 9]), np.array([[0.0, 1.0], [0.0, 0.0]], np.float16)),
    ]
    ids, similar = most_like(np.zeros(2), blocks, 3)
    assert ids.tolist() == [3, 9, 1]
    assert similar.tolist() == [1.0, 1.0, 0.5]


def test_blocks_play_no_part() -> None:
    rng = np.random.default_rng(3)
    vectors, ids = rng.normal(size=(500, 20)).astype(np.float32), rng.permutation(500)
    one = rng.normal(size=20)
    whole = most_like(one, [(ids, vectors)], 30)
    parts = [(ids[i : i + 37], vectors[i : i + 37]) for i in range(0, 500, 37)]
    found = most_like(one, parts, 30)
    assert found[0].tolist() == whole[0].tolist()
    apart = np.linalg.norm(vectors - one.astype(np.float32), axis=1)
    assert whole[0].tolist() == ids[np.argsort(apart, kind="stable")[:30]].tolist()


def test_nothing_to_compare_with_and_other_sizes() -> None:
    assert most_like(np.zeros(4), [], 5)[0].tolist() == []
    with pytest.raises(ValueError, match=r"want vectors of 4 numbers, got \(1, 3\)"):
        most_like(np.zeros(4), [(np.array([1]), np.zeros((1, 3)))], 5)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from imagery.core import neighbours
from imagery.core.neighbours import knn


def brute(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    x = vectors.astype(np.float64)
    away = np.sqrt(np.square(x[:, None] - x[None]).sum(axis=2)).astype(np.float32)
    np.fill_diagonal(away, np.inf)
    n = len(x)
    indices = np.full((n, k), -1, np.int32)
    distances = np.full((n, k), np.inf, np.float32)
    for i in range(n):
        order = np.lexsort((np.arange(n), away[i]))
        order = order[order != i][:k]
        indices[i, : len(order)], distances[i, : len(order)] = order, away[i][order]
    return indices, distances


def agrees(vectors: np.ndarray, k: int) -> None:
    indices, distances = knn(vectors, k)
    want_indices, want_distances = brute(vectors, k)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)
    assert distances.tolist() == want_distances.tolist()
    assert indices.tolist() == want_indices.tolist()


def test_a_line_of_points() -> None:
    indices, distances = knn(np.array([[0], [1], [3], [7]], np.float32), 2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert distances.tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_fewer_than_k_others(n: int) -> None:
    indices, distances = knn(np.arange(n, dtype=np.float32)[:, None], 4)
    assert indices.shape == distances.shape == (n, 4)
    assert (indices[:, max(n - 1, 0) :] == -1).all()
    assert np.isinf(distances[:, max(n - 1, 0) :]).all()
    agrees(np.arange(n, dtype=np.float32)[:, None], 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_agrees_with_brute_force(dtype: type[np.floating], k: int) -> None:
    agrees(np.random.default_rng(k).random((150, 20)).astype(dtype), k)


def test_identical_vectors_are_exactly_zero_apart_lowest_index_first() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.random((6, 50)).astype(np.float32)[rng.integers(0, 6, 120)]
    agrees(vectors, 7)
    agrees(vectors, 60)
    assert knn(np.ones((9, 3), np.float32), 3)[1].max() == 0


def test_close_ones_are_told_apart_where_single_precision_cannot() -> None:
    rng = np.random.default_rng(4)
    vectors = rng.normal(0, 1, (1, 64)) * 30 + rng.normal(0, 1e-3, (300, 64))
    agrees(vectors.astype(np.float32), 3)


def test_more_ties_than_candidates() -> None:
    agrees(np.eye(90, dtype=np.float32), 4)
    agrees(np.array([[x, y] for x in range(12) for y in range(12)], np.float32), 6)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 14), st.integers(1, 3)),
        elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0, 1e-20, 1e6, 1e17]),
    ),
    st.integers(1, 16),
)
def test_agrees_on_wild_input(vectors: np.ndarray, k: int) -> None:
    agrees(vectors, k)


def test_same_answer_whichever_path(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(8).random((200, 8)).astype(np.float32)
    quick = knn(vectors, 5)
    monkeypatch.setattr(neighbours, "SLACK", 0)  # proves next to nothing: the wide search answers
    wide = knn(vectors, 5)
    assert np.array_equal(quick[0], wide[0]) and np.array_equal(quick[1], wide[1])


def test_names_what_is_wrong() -> None:
    vectors = np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match="k = 0"):
        knn(vectors, 0)
    for bad in (np.nan, np.inf, 1e19):
        vectors[1, 1] = bad
        with pytest.raises(ValueError, match="vector 1"):
            knn(vectors, 1)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        knn(np.zeros(3, np.float32), 1)

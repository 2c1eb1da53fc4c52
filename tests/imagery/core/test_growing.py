"""Grown step by step, tree and neighbours are those made from scratch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagery.core import growing
from imagery.core.linkage import Tree, cut, minimum_spanning_tree, similarity
from imagery.core.neighbours import knn

K = 4


def _points(kind: str, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "grid":  # many equally far apart, many the same
        return rng.integers(0, 4, (n, 3)).astype(np.float32)
    if kind == "clusters":
        return (rng.integers(0, 5, (n, 1)) * 3 + rng.normal(0, 0.2, (n, 6))).astype(np.float32)
    odds = np.exp(rng.normal(0, 4, (n, 30)))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


def _left(tree: Tree, index, distance, kept: np.ndarray, n: int, place: np.ndarray):
    """What is left of tree and neighbours of `kept` old ones, now at `place` among n."""
    at = np.full(tree.n, -1)
    at[kept] = place
    u, v = at[tree.u], at[tree.v]
    both = (u >= 0) & (v >= 0)
    edges = u[both], v[both], tree.d[both]
    lists = np.full((n, K), -1, np.int32), np.full((n, K), np.inf, np.float32)
    whole = (at[index[kept]] >= 0) | (index[kept] < 0)
    good = whole.all(axis=1)
    lists[0][place[good]] = np.where(index[kept][good] >= 0, at[index[kept][good]], -1)
    lists[1][place[good]] = distance[kept][good]
    return edges, lists


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["grid", "clusters", "odds"]),
    n_old=st.integers(2, 40),
    n_new=st.integers(0, 12),
    n_gone=st.integers(0, 6),
    seed=st.integers(0, 10**6),
)
def test_grown_is_made_from_scratch(kind, n_old, n_new, n_gone, seed):
    rng = np.random.default_rng(seed)
    points = _points(kind, n_old + n_new, seed)
    old = points[:n_old]
    tree, (index, distance) = minimum_spanning_tree(old), knn(old, K)
    kept = np.sort(rng.permutation(n_old)[min(n_gone, n_old - 1) :])
    n = len(kept) + n_new
    place = np.sort(rng.permutation(n)[: len(kept)])  # new ones come between the old
    added = np.ones(n, bool)
    added[place] = False
    now = np.empty((n, points.shape[1]), np.float32)
    now[place], now[added] = old[kept], points[n_old:]
    edges, lists = _left(tree, index, distance, kept, n, place)

    grown, scratch = growing.tree(now, edges), minimum_spanning_tree(now)
    assert len(grown.u) == n - 1
    assert grown.d.tolist() == scratch.d.tolist()
    for theta in {*similarity(scratch.d).tolist(), 0.0, 0.8}:
        assert cut(grown, theta).tolist() == cut(scratch, theta).tolist()
    found, wanted = growing.neighbours(now, *lists, added), knn(now, K)
    assert found[0].tolist() == wanted[0].tolist()
    assert found[1].tolist() == wanted[1].tolist()


def test_nothing_added_changes_nothing():
    points = _points("odds", 60, 1)
    tree, (index, distance) = minimum_spanning_tree(points), knn(points, K)
    grown = growing.tree(points, (tree.u, tree.v, tree.d))
    assert (grown.u.tolist(), grown.v.tolist()) == (tree.u.tolist(), tree.v.tolist())
    assert growing.neighbours(points, index, distance, np.zeros(60, bool))[0].tolist() == (
        index.tolist()
    )


def test_the_outside_is_all_but_the_largest_piece():
    edges = np.array([0, 1, 4]), np.array([1, 2, 5]), np.ones(3, np.float32)
    assert growing.outside(7, edges).tolist() == [False] * 3 + [True] * 4


def test_bad_numbers_are_named():
    points = np.full((3, 2), np.nan, np.float32)
    with pytest.raises(ValueError, match="vector 0"):
        growing.tree(points, (np.array([0]), np.array([1]), np.ones(1, np.float32)))

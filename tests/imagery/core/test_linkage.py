import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from imagery.core import spanning
from imagery.core.linkage import (
    THETAS,
    Tree,
    cut,
    cut_edges,
    minimum_spanning_tree,
    profile,
    similarity,
)


def all_distances(vectors: np.ndarray) -> np.ndarray:
    x = vectors.astype(np.float32).astype(np.float64)
    return np.sqrt(np.square(x[:, None] - x[None]).sum(axis=2)).astype(np.float32)


def first_seen(labels: np.ndarray) -> list[int]:
    names: dict[int, int] = {}
    return [names.setdefault(int(label), len(names)) for label in labels]


def brute_joined(vectors: np.ndarray) -> Callable[[float], list[int]]:
    """θ → labels of scipy's single linkage over all pairs, similarity > θ."""
    if len(vectors) < 2:
        return lambda theta: [0] * len(vectors)
    away = all_distances(vectors).astype(np.float64)
    joined, known = linkage(squareform(away, checks=False), "single"), np.unique(away)

    def labels(theta: float) -> list[int]:
        near = known[similarity(known) > theta]
        return first_seen(fcluster(joined, near.max(initial=-1.0), "distance"))

    return labels


def agrees(vectors: np.ndarray) -> Tree:
    """The tree gives brute force's groups at each distance that occurs, just above and below."""
    tree = minimum_spanning_tree(vectors)
    assert len(tree.u) == max(len(vectors) - 1, 0)
    exact = similarity(np.unique(all_distances(vectors)))
    some = exact[np.linspace(0, len(exact) - 1, 9).astype(int)] if len(exact) else exact
    joined = brute_joined(vectors)
    for theta in {*some, *np.nextafter(some, 0), *np.nextafter(some, 2), 0.8, 0.0, 1.0}:
        assert cut(tree, float(theta)).tolist() == joined(float(theta)), theta
    return tree


def peaky(n: int, width: int, seed: int = 0, n_classes: int = 40) -> np.ndarray:
    """Vectors like class probabilities of pictures in clusters: (n, width) float32."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (n, width))
    logits[np.arange(n), rng.integers(0, min(n_classes, width), n)] += rng.gamma(4, 2.5, n)
    odds = np.exp(logits)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def test_a_line_of_points() -> None:
    tree = minimum_spanning_tree(np.array([[7], [0], [1], [3]], np.float32))
    assert list(zip(tree.u.tolist(), tree.v.tolist(), tree.d.tolist(), strict=True)) == [
        (1, 2, 1.0),
        (2, 3, 2.0),
        (0, 3, 4.0),
    ]
    assert (tree.u.dtype, tree.v.dtype, tree.d.dtype) == (np.int32, np.int32, np.float32)


def test_the_threshold_itself_does_not_join() -> None:
    tree = minimum_spanning_tree(np.array([[0.0], [0.25], [1.25]], np.float32))
    assert cut(tree, 0.8).tolist() == [0, 1, 2]  # 1 / (1 + 0.25) is 0.8
    assert cut(tree, 0.7999).tolist() == [0, 0, 1]
    assert cut(tree, 0.5).tolist() == [0, 0, 1]
    assert cut(tree, 0.4999).tolist() == [0, 0, 0]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_vectors(n: int) -> None:
    agrees(np.arange(n, dtype=np.float32)[:, None])
    agrees(np.ones((n, 3), np.float32))
    assert len(minimum_spanning_tree(np.zeros((n, 0), np.float32)).u) == max(n - 1, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_agrees_with_brute_force(dtype: type[np.floating]) -> None:
    agrees(np.random.default_rng(1).random((180, 12)).astype(dtype))
    agrees(peaky(200, 30).astype(dtype))


def test_agrees_where_every_distance_ties() -> None:
    agrees(np.eye(60, dtype=np.float32))
    agrees(np.array([[x, y] for x in range(11) for y in range(11)], np.float32))


def test_agrees_with_many_copies() -> None:
    rng = np.random.default_rng(2)
    agrees(rng.random((9, 40)).astype(np.float32)[rng.integers(0, 9, 150)])
    assert minimum_spanning_tree(np.ones((70, 5), np.float32)).d.max() == 0


def test_agrees_where_single_precision_cannot_tell() -> None:
    rng = np.random.default_rng(3)
    near = rng.normal(0, 1, (1, 64)) * 30 + rng.normal(0, 1e-3, (150, 64))
    agrees(near.astype(np.float32))


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 13), st.integers(1, 3)),
        elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0, 1e-20, 1e6, 1e17]),
    )
)
def test_agrees_on_wild_input(vectors: np.ndarray) -> None:
    agrees(vectors)


@pytest.mark.parametrize("kind", ["peaky", "even", "ties", "tight"])
def test_agrees_over_many_blocks_and_tiles(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spanning, "BLOCK", 16)
    monkeypatch.setattr(spanning, "TILE", 128)
    monkeypatch.setattr(spanning, "_HELD", 500)
    rng = np.random.default_rng(6)
    vectors = {
        "peaky": peaky(500, 25, n_classes=12),
        "even": rng.random((500, 6)),
        "ties": rng.integers(0, 5, (500, 4)),
        "tight": rng.integers(0, 9, (500, 1)) * 50 + rng.normal(0, 1e-4, (500, 30)),
    }[kind].astype(np.float32)
    agrees(vectors)


def test_the_order_of_rows_changes_no_group() -> None:
    vectors = np.concatenate([peaky(300, 20), np.eye(20, dtype=np.float32)])
    order = np.random.default_rng(5).permutation(len(vectors))
    straight, shuffled = minimum_spanning_tree(vectors), minimum_spanning_tree(vectors[order])
    assert straight.d.tolist() == shuffled.d.tolist()
    for theta in (0.42, 0.5, 0.7, 0.8, 0.95):
        assert first_seen(cut(straight, theta)[order]) == cut(shuffled, theta).tolist()


def test_a_floor_keeps_what_is_above_it() -> None:
    vectors = peaky(300, 20)
    whole, part = minimum_spanning_tree(vectors), minimum_spanning_tree(vectors, floor=0.6)
    assert 0 < len(part.u) < len(whole.u)
    for theta in (0.6, 0.7, 0.8):
        assert cut(part, theta).tolist() == cut(whole, theta).tolist()
    with pytest.raises(ValueError, match=r"above 0\.6, asked for 0\.5"):
        cut(part, 0.5)
    with pytest.raises(ValueError, match=r"above 0\.6, asked for 0\.45"):
        profile(part)
    with pytest.raises(ValueError, match=r"got 1\.5"):
        minimum_spanning_tree(vectors, floor=1.5)


def test_profile_counts_what_cut_gives() -> None:
    vectors = np.concatenate([peaky(150, 20), np.array([[0.0] * 20, [0.25] + [0.0] * 19])])
    tree = minimum_spanning_tree(vectors)
    posts = np.random.default_rng(7).integers(1, 50, len(vectors))
    thetas, n_groups, largest = profile(tree)
    assert thetas.tolist() == THETAS.tolist() and thetas[0] == 0.45 and thetas[-1] == 1.0
    _, _, most_posts = profile(tree, posts)
    for at, theta in enumerate(thetas):
        labels = cut(tree, theta)
        assert n_groups[at] == labels.max() + 1
        assert largest[at] == np.bincount(labels).max()
        assert most_posts[at] == np.bincount(labels, weights=posts).max()


def test_profile_of_nothing_and_of_wrong_weights() -> None:
    empty = minimum_spanning_tree(np.zeros((0, 4), np.float32))
    assert profile(empty)[1].max() == 0 and profile(empty)[2].max() == 0
    with pytest.raises(ValueError, match="want 0 weights"):
        profile(empty, np.ones(3))


def test_bytes_and_back() -> None:
    tree = minimum_spanning_tree(peaky(50, 10), floor=0.5)
    again = Tree.from_bytes(tree.to_bytes())
    assert (again.n, again.floor) == (50, 0.5)
    for name in "uvd":
        assert np.array_equal(getattr(again, name), getattr(tree, name))
        assert getattr(again, name).dtype == getattr(tree, name).dtype


def test_bytes_that_are_no_tree() -> None:
    whole = minimum_spanning_tree(peaky(50, 10)).to_bytes()
    for broken in (b"", b"tree", whole[: len(whole) // 2]):
        with pytest.raises(ValueError, match="not a"):
            Tree.from_bytes(broken)
    one = np.ones(1, np.int32)
    with pytest.raises(ValueError, match="outside its 1 vectors"):
        Tree.from_bytes(Tree(1, one * 0, one, one.astype(np.float32)).to_bytes())


def test_cutting_a_hundred_thousand_is_instant() -> None:
    n = 100_000
    rng = np.random.default_rng(9)
    v = np.arange(1, n)
    u = (rng.random(n - 1) * v).astype(np.int64)
    d = np.sort(rng.random(n - 1)).astype(np.float32)
    cut_edges(n, u, v, d, 0.8)
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        cut_edges(n, u, v, d, 0.8)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.25  # about 0.02 on an idle machine


def test_numbers_that_are_not_finite_are_named() -> None:
    vectors = np.zeros((3, 2), np.float32)
    vectors[2, 0] = np.inf
    with pytest.raises(ValueError, match="vector 2"):
        minimum_spanning_tree(vectors)

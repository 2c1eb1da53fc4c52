import numpy as np
import pytest

from imagery.core import hamming
from imagery.core.hamming import Index, Pairs, collapse, distances, neighbours


def clustered(n: int, n_bytes: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (n // 8, n_bytes), np.uint8)
    bits = np.unpackbits(centres[rng.integers(0, len(centres), n)], axis=1)
    most = n_bytes * 2
    turn = rng.random(bits.shape).argsort(axis=1) < rng.integers(0, most, n)[:, None]
    return np.packbits(bits ^ turn, axis=1)


def at_distance(n_bits: int) -> np.ndarray:
    """Zeros, and a hash with its last n_bits of 64 set."""
    hashes = np.zeros((2, 8), np.uint8)
    hashes[1] = np.packbits(np.arange(64) >= 64 - n_bits)
    return hashes


@pytest.mark.parametrize("expected", [0, 1_000_000], ids=["flat", "buckets"])
def test_seven_is_near_and_eight_is_not(expected: int):
    for n_bits, found in ((7, [0, 1]), (8, [0])):
        index = Index(8, 8, expected)
        index.add(at_distance(n_bits))
        indices, bits = index.search(at_distance(n_bits)[:1]).row(0)
        assert indices.tolist() == found
        assert bits.tolist() == [0, 7][: len(found)]


@pytest.mark.parametrize("expected", [0, 1_000_000], ids=["flat", "buckets"])
@pytest.mark.parametrize(
    ("n_bytes", "threshold"), [(8, 1), (8, 7), (8, 8), (8, 9), (8, 14), (32, 31), (32, 32)]
)
def test_agrees_with_brute_force(n_bytes: int, threshold: int, expected: int):
    hashes = clustered(900, n_bytes)
    queries = hashes[:300]
    bits = np.bitwise_count(queries[:, None] ^ hashes[None]).sum(axis=-1)
    rows, columns = np.nonzero(bits < threshold)
    index = Index(n_bytes, threshold, expected)
    index.add(hashes[:400])
    index.add(hashes[400:])
    found = index.search(queries)
    assert np.repeat(np.arange(300), np.diff(found.indptr)).tolist() == rows.tolist()
    assert found.indices.tolist() == columns.tolist()
    assert found.distances.tolist() == bits[rows, columns].tolist()


def test_large_sets_probe_and_small_ones_compare():
    assert Index(8, 8, 100_000)._buckets is not None
    assert Index(8, 8, 100)._buckets is None
    assert Index(8, 30, 100_000)._buckets is None
    assert Index(6, 4, 100_000)._buckets is None


def test_the_nearest_of_each_row_and_of_equally_near_ones_the_least_name():
    pairs = Pairs(np.array([0, 0, 3, 4]), np.array([0, 1, 2, 1]), np.array([5, 3, 3, 0], np.int32))
    bits, names = pairs.nearest(np.array([10, 30, 20]))
    assert bits.tolist() == [-1, 3, 0]
    assert names.tolist() == [-1, 20, 30]


def test_neighbours_that_come_before():
    pairs = Pairs(
        np.array([0, 2, 4, 5]), np.array([0, 1, 0, 1, 1]), np.array([0, 4, 4, 0, 2], np.int32)
    )
    found = pairs.before_self()
    assert found.indptr.tolist() == [0, 0, 1, 2]
    assert found.indices.tolist() == [0, 1]
    assert found.distances.tolist() == [4, 2]


def test_every_flip_pattern_up_to_the_threshold_is_found():
    """Seven bits in any place: the pigeonhole must not miss one."""
    rng = np.random.default_rng(7)
    turns = np.stack([np.packbits(rng.permutation(64) < 7) for _ in range(3_000)])
    index = Index(8, 8, 1_000_000)
    index.add(turns)
    assert len(index.search(np.zeros((1, 8), np.uint8)).indices) == 3_000


def test_neighbours_collapse_copies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hamming, "FLAT_LIMIT", 100)
    hashes = clustered(1_500, 8, seed=3)
    hashes[10:900] = hashes[5]
    found = neighbours(hashes, 8)
    assert (found.distinct[found.inverse] == hashes).all()
    assert (hashes[found.first] == found.distinct).all()
    assert (np.diff(found.first) > 0).all()
    bits = np.bitwise_count(found.distinct[:, None] ^ found.distinct[None]).sum(axis=-1)
    np.fill_diagonal(bits, 64)
    for row in range(len(found.distinct)):
        indices, apart = found.pairs.row(row)
        assert indices.tolist() == np.flatnonzero(bits[row] < 8).tolist()
        assert apart.tolist() == bits[row, indices].tolist()


def test_a_large_clump_of_copies_costs_nothing():
    hashes = np.zeros((200_000, 8), np.uint8)
    hashes[-1, 0] = 1
    found = neighbours(hashes, 8)
    assert found.pairs.indices.tolist() == [1, 0]
    assert found.pairs.distances.tolist() == [1, 1]


def test_collapse_keeps_the_order_of_appearance():
    first, inverse = collapse(np.array([[9, 9, 9], [1, 1, 1], [9, 9, 9], [0, 0, 0]], np.uint8))
    assert first.tolist() == [0, 1, 3]
    assert inverse.tolist() == [0, 1, 0, 2]


def test_distances_by_hand():
    hashes = np.array([[0b1011, 0], [0, 255]], np.uint8)
    assert distances(hashes, np.zeros(2, np.uint8)).tolist() == [3, 8]


def test_empty_and_wrong_input():
    index = Index(8, 8)
    assert index.search(np.zeros((3, 8), np.uint8)).indptr.tolist() == [0, 0, 0, 0]
    assert len(neighbours(np.zeros((0, 8), np.uint8), 8).distinct) == 0
    with pytest.raises(ValueError, match=r"\(2, 7\)"):
        index.add(np.zeros((2, 7), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        index.search(np.zeros((2, 8)))
    with pytest.raises(ValueError, match="0"):
        Index(8, 0)

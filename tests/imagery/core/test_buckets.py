import numpy as np
import pytest

from imagery.core import buckets
from imagery.core.buckets import Buckets


def scattered(n: int, n_bytes: int, seed: int = 0) -> np.ndarray:
    """(n, n_bytes) uint8 around n / 8 centres, up to a sixth of their bits away."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (n // 8, n_bytes), np.uint8)
    bits = np.unpackbits(centres[rng.integers(0, len(centres), n)], axis=1)
    turn = rng.random(bits.shape) < rng.uniform(0, 0.17, n)[:, None]
    return np.packbits(bits ^ turn, axis=1)


def test_masks_are_every_pattern_of_so_few_bits():
    assert buckets.masks(0).tolist() == [0]
    assert sorted(buckets.masks(1).tolist()) == [0, *(1 << bit for bit in range(16))]
    assert len(set(buckets.masks(2).tolist())) == 1 + 16 + 120
    assert buckets.probes(8, 8) == 4 * 17
    assert buckets.probes(32, 31) == 16 * 17


@pytest.mark.parametrize(("n_bytes", "threshold"), [(8, 8), (8, 3), (32, 31)])
def test_agrees_with_brute_force_while_it_grows(monkeypatch, n_bytes, threshold):
    monkeypatch.setattr(buckets, "SMALL", 150)  # late ones join the others several times
    monkeypatch.setattr(buckets, "HELD", 64)
    hashes = scattered(700, n_bytes)
    index = Buckets(n_bytes, threshold)
    for begin in range(0, 700, 100):
        index.add(hashes[begin : begin + 100])
        query, number, bits = index.search(hashes[:200])
        every = np.bitwise_count(hashes[:200, None] ^ hashes[None, : begin + 100]).sum(axis=-1)
        rows, columns = np.nonzero(every < threshold)
        assert query.tolist() == rows.tolist()
        assert number.tolist() == columns.tolist()
        assert bits.tolist() == every[rows, columns].tolist()
    assert len(index) == 700


def test_nothing_in_it_finds_nothing():
    index = Buckets(8, 8)
    assert [len(part) for part in index.search(np.zeros((3, 8), np.uint8))] == [0, 0, 0]


def test_odd_sizes_are_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        Buckets(6, 4)

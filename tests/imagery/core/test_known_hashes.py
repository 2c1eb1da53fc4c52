"""The nearest known hash of each image, against brute force."""

import numpy as np
import pytest

from imagery.core.known_hashes import NOBODY, THRESHOLD, nearest


def flipped(hash_: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    bits = np.unpackbits(hash_)
    bits[rng.choice(256, n, replace=False)] ^= 1
    return np.packbits(bits)


def brute(images: np.ndarray, ids: np.ndarray, hashes: np.ndarray) -> tuple[list, list]:
    apart = np.bitwise_count(images[:, None] ^ hashes[None]).sum(axis=2, dtype=np.int64)
    who, bits = [], []
    for row in apart:
        low = row.min() if len(row) else THRESHOLD
        who.append(int(ids[row == low].min()) if low < THRESHOLD else NOBODY)
        bits.append(int(min(low, THRESHOLD)))
    return who, bits


@pytest.mark.parametrize(("n_images", "n_known"), [(300, 900), (900, 300), (9000, 400), (40, 9000)])
def test_it_is_what_comparing_all_finds(n_images: int, n_known: int) -> None:
    rng = np.random.default_rng(n_images)
    images = rng.integers(0, 256, (n_images, 32), dtype=np.uint8)
    hashes = rng.integers(0, 256, (n_known, 32), dtype=np.uint8)
    for i in range(0, n_known, 2):  # near ones at all distances about the threshold, and copies
        hashes[i] = flipped(images[rng.integers(n_images)], int(rng.integers(0, 36)), rng)
    hashes[1] = hashes[0]
    ids = rng.permutation(n_known).astype(np.int64) + 7
    half = n_known // 2
    who, bits = nearest(images, [(ids[:half], hashes[:half]), (ids[half:], hashes[half:])])
    want_who, want_bits = brute(images, ids, hashes)
    assert who.tolist() == want_who
    assert bits.tolist() == want_bits
    assert (who != NOBODY).any()


def test_thirty_one_bits_match_and_thirty_two_do_not() -> None:
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (1, 32), dtype=np.uint8)
    for n, want in ((31, 4), (32, NOBODY)):
        who, bits = nearest(image, [(np.array([4]), flipped(image[0], n, rng)[None])])
        assert (who.tolist(), bits.tolist()) == ([want], [min(n, THRESHOLD)])


def test_nothing_on_either_side() -> None:
    none, some = np.zeros((0, 32), np.uint8), np.zeros((2, 32), np.uint8)
    assert nearest(none, [(np.array([1, 2]), some)])[0].tolist() == []
    assert nearest(some, [])[0].tolist() == [NOBODY, NOBODY]


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 8\)"):
        nearest(np.zeros((2, 8), np.uint8), [(np.array([1]), np.zeros((1, 32), np.uint8))])

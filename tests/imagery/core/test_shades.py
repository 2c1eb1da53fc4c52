import numpy as np

from imagery.core.shades import TOLERANCE, Shades


def test_finds_exactly_what_lies_within_the_tolerance():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 250, (12, 1, 3))
    seen = np.clip(base[rng.integers(0, 12, 400)] + rng.integers(0, 7, (400, 64, 3)), 0, 255)
    seen = seen.reshape(400, 192).astype(np.uint8)
    shades = Shades()
    for image, row in enumerate(seen):
        shades.add(image, row)
    for query in seen[:60]:
        apart = np.abs(seen.astype(int) - query).max(axis=1)
        differences, images = shades.near(query)
        order = np.argsort(images)
        assert images[order].tolist() == np.flatnonzero(apart <= TOLERANCE).tolist()
        assert differences[order].tolist() == apart[apart <= TOLERANCE].tolist()


def test_the_tolerance_is_included():
    shades = Shades()
    shades.add(7, np.full(192, 100, np.uint8))
    assert shades.near(np.full(192, 100 + TOLERANCE, np.uint8))[1].tolist() == [7]
    assert shades.near(np.full(192, 101 + TOLERANCE, np.uint8))[1].tolist() == []
    one_cell = np.full(192, 100, np.uint8)
    one_cell[5] = 180
    assert shades.near(one_cell)[1].tolist() == []

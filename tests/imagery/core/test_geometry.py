import numpy as np

from imagery.core import geometry
from imagery.core.features import Features

TURN = np.array([[0.6, -0.3, 30.0], [0.3, 0.6, 12.0]])


def scattered(n: int = 60, seed: int = 1) -> Features:
    rng = np.random.default_rng(seed)
    points = np.column_stack(
        [rng.uniform(0, 200, (n, 2)), rng.uniform(3, 20, n), rng.uniform(0, 360, n)]
    )
    return Features(points.astype(np.float32), rng.integers(0, 16, (n, 128), np.uint8), 200, 200)


def moved(features: Features, placement: np.ndarray) -> Features:
    points = features.points.astype(np.float64).copy()
    points[:, :2] = points[:, :2] @ placement[:, :2].T + placement[:, 2]
    points[:, 2] *= np.sqrt(np.linalg.det(placement[:, :2]))
    points[:, 3] += np.degrees(np.arctan2(placement[1, 0], placement[0, 0]))
    points[:, 3] %= 360
    return Features(points.astype(np.float32), features.descriptors, 200, 200)


def test_the_placement_is_found_again_among_wrong_matches():
    ours = scattered()
    theirs = moved(ours, TURN)
    theirs.points[::2, :2] = np.random.default_rng(2).uniform(0, 200, (30, 2))
    found = geometry.fit(ours, theirs)
    assert found is not None
    assert np.abs(found.placement - TURN).max() < 0.05
    assert 26 <= found.inliers <= 32


def test_stretching_is_found_where_matches_are_many():
    wide = np.array([[1.0, 0.0, 4.0], [0.0, 0.8, 9.0]])
    found = geometry.fit(scattered(), moved(scattered(), wide))
    assert found is not None and np.abs(found.placement - wide).max() < 0.02


def test_nothing_is_found_in_unlike_features():
    found = geometry.fit(scattered(), scattered(seed=9))
    assert found is None or found.inliers < 5
    assert geometry.fit(scattered(2), scattered(2)) is None
    assert geometry.fit(scattered(0), scattered()) is None


def test_features_at_one_place_count_once():
    ours = scattered()
    theirs = moved(ours, TURN)
    ours.points[:, :2] = 100
    theirs.points[:, :2] = 80
    found = geometry.fit(ours, theirs)
    assert found is None or found.inliers == 1


def test_matches_are_mutual_and_clear():
    ours = scattered(20)
    twice = Features(
        np.concatenate([ours.points, ours.points]),
        np.concatenate([ours.descriptors, ours.descriptors]),
        200,
        200,
    )
    assert geometry.match(ours, ours).tolist() == [[i, i] for i in range(20)]
    assert len(geometry.match(ours, twice)) == 0  # which of the two is meant?

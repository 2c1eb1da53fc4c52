import numpy as np
import pytest

from imagery.core import features, geometry
from tests.photographs import photograph


def view(name: str) -> np.ndarray:
    return features.view_of(photograph(name)).mean(axis=2).astype(np.uint8)


def test_views_are_brought_down_and_never_up():
    assert max(features.view_of(photograph("coffee")).shape) == features.SIDE
    small = np.zeros((50, 40), np.uint8)
    assert features.view_of(small) is small


def test_features_of_a_photograph():
    found = features.extract(view("coffee"))
    assert 60 < len(found) <= features.MOST
    assert found.descriptors.shape == (len(found), 128) and found.descriptors.max() <= 15
    assert np.allclose(np.linalg.norm(found.unit(), axis=1), 1, atol=1e-5)


def test_a_flat_picture_has_none():
    found = features.extract(np.full((80, 120), 90, np.uint8))
    assert len(found) == 0 and len(found.mirrored()) == 0
    assert len(features.unpack(features.pack(found))) == 0


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3), np.uint8), np.zeros((9, 9), np.float32)])
def test_only_grey_bytes_are_taken(wrong):
    with pytest.raises(ValueError, match="want"):
        features.extract(wrong)


def test_packing_keeps_all_but_the_last_decimals():
    found = features.extract(view("astronaut"))
    back = features.unpack(features.pack(found))
    assert (back.descriptors == found.descriptors).all()
    assert (back.width, back.height) == (found.width, found.height)
    assert np.abs(back.points[:, :3] - found.points[:, :3]).max() <= 1 / 128
    turns = np.abs(back.points[:, 3] - found.points[:, 3])
    assert np.minimum(turns, 360 - turns).max() < 0.01


def test_anything_else_is_not_unpacked():
    packed = features.pack(features.extract(view("rocket")))
    for wrong in (b"", b"nothing", packed[:-1], b"AIF0" + packed[4:]):
        with pytest.raises(ValueError, match="features"):
            features.unpack(wrong)


def test_features_of_the_mirrored_picture_need_no_second_look():
    grey = view("coffee")
    told = features.extract(grey).mirrored()
    seen = features.extract(np.ascontiguousarray(grey[:, ::-1]))
    found = geometry.fit(told, seen)
    assert found is not None and found.inliers > 0.7 * len(seen)
    assert np.abs(found.placement - [[1, 0, 0], [0, 1, 0]]).max() < 0.1

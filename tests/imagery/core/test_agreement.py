import numpy as np

from imagery.core import agreement

WHERE_IT_IS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def textured(seed: int, shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (shape[0] // 4, shape[1] // 4))
    return np.kron(coarse, np.ones((4, 4))).astype(np.uint8)


def measured(ours: np.ndarray, theirs: np.ndarray, placement: np.ndarray = WHERE_IT_IS):
    pair = agreement.overlap(ours, theirs, placement)
    assert pair is not None
    return agreement.measure(pair)


def test_brightness_and_contrast_do_not_matter():
    one = textured(1)
    found = measured(one, (one * 0.5 + 60).astype(np.uint8))
    assert found.median > 0.99 and found.other == 0
    assert found.swapped == found.added == 0 and found.common > 0.9


def test_another_texture_does_not_agree():
    found = measured(textured(1), textured(2))
    assert found is None or (found.median < 0.5 and found.other > 0.6)


def test_what_was_swapped_is_told_from_what_was_added():
    plain = textured(1)
    plain[40:80, 40:120] = 128
    one, two = plain.copy(), plain.copy()
    one[40:80, 40:120] = textured(5, (40, 80))
    two[40:80, 40:120] = textured(6, (40, 80))
    share = 40 * 80 / plain.size
    added, swapped = measured(plain, one), measured(one, two)
    assert added.added > 0.5 * share and added.swapped < 0.2 * share
    assert swapped.swapped > 0.4 * share
    assert added.median > 0.9 and swapped.median > 0.9


def test_around_the_common_part_anything_may_be():
    picture = textured(1)
    one, two = np.full((200, 160), 250, np.uint8), np.full((200, 160), 15, np.uint8)
    one[8:20, 20:88], two[180:188, 40:148] = textured(2, (12, 68)), textured(3, (8, 108))
    one[40:160], two[40:160] = picture, picture
    found = measured(one, two)
    assert found.median > 0.95 and found.swapped < 0.01
    assert 0.5 < found.common < 0.7 and 0.01 < found.other < 0.3


def test_a_smaller_one_is_laid_on_a_larger_and_the_other_way_round():
    large = textured(1, (240, 320))
    small = large[::2, ::2]
    down = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])
    up = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    for ours, theirs, placement in ((large, small, down), (small, large, up)):
        pair = agreement.overlap(ours, theirs, placement)
        assert pair is not None and max(pair.ours.shape) <= 160
        assert pair.ours.shape == pair.theirs.shape == pair.inside.shape


def test_nothing_to_compare():
    far = np.array([[1.0, 0.0, 150.0], [0.0, 1.0, 0.0]])
    assert agreement.overlap(textured(1), textured(1), far) is None
    tiny = np.array([[0.01, 0.0, 0.0], [0.0, 0.01, 0.0]])
    assert agreement.overlap(textured(1), textured(1), tiny) is None
    flat = np.full((100, 100), 7, np.uint8)
    assert measured(flat, flat) is None

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagery.core import edits

MILD = [kind for kind, edit in edits.EDITS.items() if edit.strength == "mild"]


def scene(width: int = 480, height: int = 320) -> np.ndarray:
    """A made landscape: sky, sun, hills, ground; nothing symmetrical about it."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    hills = 0.55 + 0.12 * np.sin(7 * x) + 0.05 * np.sin(23 * x + 1)
    ground = y > hills
    sun = (x - 0.72) ** 2 + (y - 0.25) ** 2 < 0.012
    red = np.where(ground, 60 + 90 * y, 120 + 90 * y)
    green = np.where(ground, 120 - 50 * y + 30 * (x < 0.3), 150 + 60 * y)
    blue = np.where(ground, 50, 220 - 40 * y)
    pixels = np.stack([red, green, blue], axis=-1)
    pixels[sun] = (250, 230, 150)
    return pixels.round().astype(np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def bits_apart(a: np.ndarray, b: np.ndarray) -> int:
    return imagehash.phash(Image.fromarray(a)) - imagehash.phash(Image.fromarray(b))


@pytest.mark.parametrize("kind", edits.EDITS)
def test_same_generator_state_gives_the_same_picture_and_leaves_the_input_alone(kind):
    pixels = scene()
    pixels.flags.writeable = False
    first, second = (edits.apply(kind, pixels, rng(5)) for _ in range(2))
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3
    assert np.array_equal(first, second)
    assert np.array_equal(pixels, scene())


@pytest.mark.parametrize("kind", MILD)
def test_a_perceptual_hash_knows_a_mildly_edited_picture(kind):
    pixels = scene()
    assert max(bits_apart(pixels, edits.apply(kind, pixels, rng(s))) for s in range(6)) < 8


@pytest.mark.parametrize("kind", ["mirror", "screenshot"])
def test_a_perceptual_hash_loses_a_mirrored_or_photographed_screen(kind):
    pixels = scene()
    assert bits_apart(pixels, edits.apply(kind, pixels, rng())) >= 8


def test_mirror_is_its_own_inverse():
    pixels = scene()
    once = edits.apply("mirror", pixels, rng())
    assert np.array_equal(once[:, 0], pixels[:, -1])
    assert np.array_equal(edits.apply("mirror", once, rng()), pixels)


@pytest.mark.parametrize(("kind", "share"), [("crop5", 0.05), ("crop15", 0.15)])
def test_crop_cuts_its_share_and_keeps_what_is_left(kind, share):
    ramp = np.zeros((200, 400, 3), np.uint8)
    ramp[..., 0] = np.arange(200)[:, None]
    ramp[..., 1] = (np.arange(400) // 2)[None]
    cut = edits.apply(kind, ramp, rng(3))
    assert cut.shape == (200 - round(200 * share), 400 - round(400 * share), 3)
    top, left = int(cut[0, 0, 0]), next(x for x in range(400) if cut_matches(ramp, cut, x))
    assert 0 <= top <= round(200 * share)
    assert 0 <= left <= round(400 * share)


def cut_matches(whole: np.ndarray, cut: np.ndarray, left: int) -> bool:
    top = int(cut[0, 0, 0])
    window = whole[top : top + cut.shape[0], left : left + cut.shape[1]]
    return window.shape == cut.shape and np.array_equal(window, cut)


def test_crop_refuses_to_cut_nearly_everything():
    with pytest.raises(ValueError, match=r"0\.95"):
        edits.crop(scene(), 0.95, rng())


def test_resize_stays_within_its_range_and_keeps_the_shape():
    for seed in range(12):
        height, width = edits.apply("resize", scene(500, 250), rng(seed)).shape[:2]
        assert 0.4 * 500 - 1 <= width <= 500
        assert abs(width / height - 2.0) < 0.03


def test_border_and_caption_add_around_the_picture_and_keep_it_whole():
    pixels = scene(300, 200)
    for kind in ("border", "caption"):
        for seed in range(8):
            larger = edits.apply(kind, pixels, rng(seed))
            windows = np.lib.stride_tricks.sliding_window_view(larger, pixels.shape)[
                ..., 0, :, :, :
            ]
            assert any(
                np.array_equal(window, pixels)
                for row in windows
                for window in row
                if np.array_equal(window[0, :40], pixels[0, :40])
            ), (kind, seed)


def test_sepia_takes_the_colours_away():
    toned = edits.apply("sepia", scene(), np.random.default_rng(1)).astype(int)
    assert (toned[..., 0] >= toned[..., 2]).mean() > 0.95
    assert (scene()[..., 0] >= scene()[..., 2]).mean() < 0.7


def test_watermark_touches_only_a_lower_corner():
    pixels = scene()
    for seed in range(6):
        changed = np.argwhere((edits.apply("watermark", pixels, rng(seed)) != pixels).any(axis=-1))
        assert len(changed) > 20
        assert changed[:, 0].min() > 0.85 * pixels.shape[0]


def test_screenshot_shows_the_picture_at_a_phones_width():
    shot = edits.apply("screenshot", scene(), rng())
    assert shot.shape[1] == 720
    assert shot.shape[0] >= 1080
    inside = shot[176 + 10 : 176 + 470, 10:-10].astype(int)
    whole = np.asarray(Image.fromarray(scene()).resize((720, 480), Image.Resampling.LANCZOS))
    assert np.abs(inside - whole[10:470, 10:-10]).max() == 0


def test_quality_of_recompression_reaches_far_lower():
    low = {edits.jpeg_quality("recompress", rng(seed)) for seed in range(300)}
    usual = {edits.jpeg_quality("border", rng(seed)) for seed in range(300)}
    assert (min(low), max(low)) == (30, 85)
    assert (min(usual), max(usual)) == (80, 90)


def test_refuses_what_is_no_picture_and_names_it():
    with pytest.raises(ValueError, match="'melt'"):
        edits.apply("melt", scene(), rng())
    with pytest.raises(ValueError, match=r"\(20, 20\) uint8"):
        edits.apply("blur", np.zeros((20, 20), np.uint8), rng())
    with pytest.raises(ValueError, match="float64"):
        edits.apply("blur", np.zeros((20, 20, 3)), rng())
    with pytest.raises(ValueError, match="40 × 8"):
        edits.apply("blur", np.zeros((8, 40, 3), np.uint8), rng())


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(list(edits.EDITS)),
    width=st.integers(16, 90),
    height=st.integers(16, 90),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_edit_takes_any_picture_of_some_size(kind, width, height, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    out = edits.apply(kind, pixels, np.random.default_rng(seed))
    assert out.dtype == np.uint8 and out.shape[2] == 3 and min(out.shape[:2]) >= 6

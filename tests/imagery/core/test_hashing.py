import imagehash
import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from imagery.core.hashing import from_hex, pdq, phash, signature, to_hex

PHOTOGRAPHS = ["astronaut", "coffee", "rocket", "chelsea"]


def definition(pixels: np.ndarray) -> str:
    return str(imagehash.phash(Image.fromarray(pixels)))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_phash_is_imagehash_on_photographs(name: str):
    pixels = getattr(data, name)()
    assert to_hex(phash(pixels)) == definition(pixels)
    tall = np.ascontiguousarray(pixels[:, :120])
    assert to_hex(phash(tall)) == definition(tall)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["noise", "flat", "smooth", "black and white"]),
    st.integers(0, 2**32 - 1),
)
def test_phash_is_imagehash_bit_for_bit(height: int, width: int, kind: str, seed: int):
    rng = np.random.default_rng(seed)
    if kind == "noise":
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    elif kind == "flat":
        pixels = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    elif kind == "smooth":
        few = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8))
        pixels = np.asarray(few.resize((width, height), Image.Resampling.BICUBIC))
    else:
        pixels = ((rng.random((height, width, 3)) > 0.5) * 255).astype(np.uint8)
    assert to_hex(phash(pixels)) == definition(pixels)


@pytest.mark.parametrize("width", [1, 31, 32, 33, 50, 97, 256])
def test_phash_follows_pillow_where_it_changes_the_order_of_passes(width: int):
    rng = np.random.default_rng(width)
    for height in (31, 32, 33, 2 * width - 32, 2 * width - 31, 2 * width - 30):
        if height > 0:
            pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
            assert to_hex(phash(pixels)) == definition(pixels)


def test_phash_of_luma_is_phash_of_the_picture():
    pixels = data.coffee()
    luma = np.asarray(Image.fromarray(pixels).convert("L"))
    assert (phash(luma) == phash(pixels)).all()


def test_phash_refuses_other_arrays():
    with pytest.raises(ValueError, match="float64"):
        phash(np.zeros((8, 8)))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("shape", [(300, 400), (51, 300), (64, 64), (7, 13), (127, 129)])
def test_pdq_is_the_reference_on_small_pictures(name: str, shape: tuple[int, int]):
    pixels = np.ascontiguousarray(getattr(data, name)()[20 : 20 + shape[0], 9 : 9 + shape[1]])
    bits, quality = pdqhash.compute(pixels)
    digest, ours = pdq(Image.fromarray(pixels))
    assert np.unpackbits(digest).tolist() == bits.tolist()
    assert ours == quality
    assert (pdq(pixels)[0] == digest).all() and digest.shape == (32,)


@settings(max_examples=60, deadline=None)
@given(st.integers(65, 512), st.integers(65, 512), st.integers(0, 2**32 - 1))
def test_pdq_is_the_reference_at_any_size(height: int, width: int, seed: int):
    """But for sums taken in another order, which turn a bit that lies on the median.

    Smaller pictures have waves of no height at all, whose bits are noise.
    """
    few = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC))
    bits, quality = pdqhash.compute(pixels)
    digest, ours = pdq(pixels)
    assert int((np.unpackbits(digest) != bits).sum()) <= 2
    assert abs(ours - quality) <= 1


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_pdq_of_a_reduced_picture_stays_near_the_reference(name: str):
    """Well within PDQ's 31 bits, as its authors' own reduction to 512 × 512 is (8 to 26 bits)."""
    pixels = np.asarray(Image.fromarray(getattr(data, name)()).resize((1200, 900)))
    bits, quality = pdqhash.compute(pixels)
    digest, ours = pdq(pixels)
    assert int((np.unpackbits(digest) != bits).sum()) <= 20
    assert abs(ours - quality) <= 5


def test_pdq_of_one_colour_has_no_quality():
    assert pdq(np.full((100, 100, 3), 77, np.uint8))[1] == 0


def test_pdq_refuses_other_arrays():
    with pytest.raises(ValueError, match=r"\(8, 8\)"):
        pdq(np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="got L"):
        pdq(Image.new("L", (8, 8)))


def test_signature_holds_the_mean_of_each_cell():
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:2, 3:6] = (10, 20, 30)
    pixels[:1, 0:3] = 100
    cells = signature(pixels).reshape(8, 8, 3)
    assert cells[0, 1].tolist() == [10, 20, 30]
    assert cells[0, 0].tolist() == [50, 50, 50]
    assert cells.astype(int).sum() == 60 + 150


def test_hexadecimal_goes_both_ways():
    digest = np.array([0, 1, 171, 255], np.uint8)
    assert to_hex(digest) == "0001abff"
    assert (from_hex("0001ABff") == digest).all()
    with pytest.raises(ValueError, match="'xyz'"):
        from_hex("xyz")

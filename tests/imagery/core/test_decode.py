import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from skimage import data

from imagery.core.decode import Decoded, Refused, decode, render, shrink, thumbnail

PHOTOGRAPH = Image.fromarray(data.astronaut()).resize((640, 480))


def encode(image: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def difference(found: Decoded, expected: Image.Image) -> float:
    """Mean absolute difference of pixels after bringing `expected` to the decoded size."""
    height, width = found.pixels.shape[:2]
    wanted = np.asarray(expected.convert("RGB").resize((width, height), Image.Resampling.BOX))
    return float(np.abs(found.pixels.astype(int) - wanted).mean())


JPEG = encode(PHOTOGRAPH, "JPEG", quality=90)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF"])
def test_every_format_gives_the_same_picture(format_: str):
    options = {"quality": 95} if format_ in {"JPEG", "WEBP", "HEIF"} else {}
    found = decode(encode(PHOTOGRAPH, format_, **options))
    assert found.format == {"HEIF": "heic"}.get(format_, format_.lower())
    assert (found.width, found.height, found.frames, found.truncated) == (640, 480, 1, False)
    assert difference(found, PHOTOGRAPH) < 6


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((1200, 900), (450, 600)),
        ((1280, 640), (320, 640)),
        ((1278, 639), (639, 1278)),
        ((5200, 5120), (320, 325)),
        ((20, 3000), (3000, 20)),
        ((1, 1), (1, 1)),
    ],
)
def test_halved_while_the_short_side_serves(
    format_: str, size: tuple[int, int], shape: tuple[int, int]
):
    found = decode(encode(Image.new("RGB", size, "teal"), format_))
    assert found.pixels.shape == (*shape, 3)
    assert found.luma.shape == found.small.shape[:2]
    assert (found.width, found.height) == size
    assert max(found.small.shape) <= 512


@pytest.mark.parametrize("size", [(1300, 975), (640, 480), (600, 900), (2048, 1100)])
def test_reduced_jpeg_and_png_hash_alike(size: tuple[int, int]):
    large = PHOTOGRAPH.resize(size, Image.Resampling.LANCZOS)
    whole = imagehash.phash(large)
    for data_ in (encode(large, "JPEG", quality=90), encode(large, "PNG")):
        assert imagehash.phash(Image.fromarray(decode(data_).luma)) - whole <= 2


@pytest.mark.parametrize("size", [(500, 380), (640, 480)])
def test_luma_is_pillows(size: tuple[int, int]):
    found = decode(encode(PHOTOGRAPH.resize(size), "JPEG"))
    image = Image.fromarray(found.pixels)
    image = image.reduce(2) if size[0] > 512 else image
    assert (found.luma == np.asarray(image.convert("L"))).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turned_as_exif_says(orientation: int, format_: str):
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = PHOTOGRAPH.resize((1280, 960))
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(encode(stored, format_, exif=exif))
    assert (found.width, found.height) == (1280, 960)
    assert found.pixels.shape == (480, 640, 3)
    assert difference(found, PHOTOGRAPH) < 6


def test_broken_exif_is_ignored():
    assert decode(encode(PHOTOGRAPH, "JPEG", exif=b"Exif\x00\x00nonsense")).width == 640


def test_cmyk_comes_back_in_its_colours():
    found = decode(encode(PHOTOGRAPH.convert("CMYK"), "JPEG", quality=95))
    assert difference(found, PHOTOGRAPH.convert("CMYK").convert("RGB")) < 4


def test_transparent_is_white():
    layer = PHOTOGRAPH.convert("RGBA")
    layer.paste((200, 0, 0, 0), (0, 0, 320, 480))
    for format_ in ("PNG", "WEBP", "TIFF"):
        found = decode(encode(layer, format_))
        assert (found.pixels[:, :300] == 255).all(), format_
        assert (found.pixels[:, 330:].mean()) < 200
    grey = decode(encode(layer.convert("LA"), "PNG"))
    assert (grey.pixels[:, :300] == 255).all()


def test_transparent_palette_is_white():
    palette = Image.new("P", (40, 30), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(0, (0, 0, 20, 30))
    for format_ in ("PNG", "GIF"):
        pixels = decode(encode(palette, format_, transparency=0)).pixels
        assert pixels[5, 5].tolist() == [255, 255, 255]
        assert pixels[5, 35].tolist() == [0, 0, 255]


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (20, 1))
    for format_ in ("PNG", "TIFF"):
        row = decode(encode(Image.fromarray(ramp), format_)).pixels[0, :, 0]
        assert np.abs(row.astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_float_ranges(top: float):
    ramp = np.tile(np.linspace(0, top, 256, dtype=np.float32), (4, 1))
    ramp[3, 0] = np.nan
    row = decode(encode(Image.fromarray(ramp), "TIFF")).pixels[0, :, 0]
    assert np.abs(row.astype(int) - np.arange(256)).max() <= 1


def test_one_bit_and_negative_integers():
    bits = decode(encode(PHOTOGRAPH.convert("1"), "PNG")).pixels
    assert set(np.unique(bits)) == {0, 255}
    values = np.array([[-100, 0, 155]], np.int32)
    assert decode(encode(Image.fromarray(values), "TIFF")).pixels[0, :, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_animations_give_their_first_frame(format_: str):
    frames = [Image.new("RGB", (64, 48), c) for c in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    found = decode(encode(frames[0], format_, save_all=True, append_images=frames[1:]))
    assert found.frames == 3
    assert np.abs(found.pixels[20, 20].astype(int) - (250, 0, 0)).max() < 8


def test_pages_and_second_views_are_not_animation():
    second = PHOTOGRAPH.rotate(180)
    pages = decode(encode(PHOTOGRAPH, "TIFF", save_all=True, append_images=[second]))
    views = decode(encode(PHOTOGRAPH, "MPO", save_all=True, append_images=[second]))
    assert (pages.frames, views.frames, views.format) == (1, 1, "jpeg")
    assert difference(views, PHOTOGRAPH) < 6


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP"])
def test_most_of_a_picture_is_used(format_: str):
    whole = encode(PHOTOGRAPH, format_, **({"interlace": 0} if format_ == "GIF" else {}))
    found = decode(whole[: int(len(whole) * 0.8)])
    assert found.truncated
    assert (found.width, found.height) == (640, 480)
    there = slice(240, 480) if format_ == "BMP" else slice(0, 240)
    gone = slice(0, 10) if format_ == "BMP" else slice(470, 480)
    assert np.abs(found.pixels[there].astype(int) - decode(whole).pixels[there]).mean() < 2
    assert (found.pixels[gone] == 128).all()


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "HEIF"])
def test_too_little_of_a_picture_is_refused(format_: str):
    whole = encode(PHOTOGRAPH, format_)
    with pytest.raises(Refused, match=r"ends early|damaged"):
        decode(whole[: int(len(whole) * 0.3)])


def test_interlaced_files_are_all_or_nothing():
    whole = encode(PHOTOGRAPH, "GIF", interlace=1)
    with pytest.raises(Refused, match="ends early"):
        decode(whole[: int(len(whole) * 0.9)])


def test_progressive_needs_more_than_its_first_scan():
    whole = encode(PHOTOGRAPH, "JPEG", progressive=True)
    scans = [i for i in range(len(whole) - 1) if whole[i : i + 2] == b"\xff\xda"]
    found = decode(whole[: scans[3] + 40])
    assert found.truncated
    assert difference(found, PHOTOGRAPH) < 25
    with pytest.raises(Refused, match="ends early"):
        decode(whole[: scans[0] + 400])


def test_a_missing_end_marker_is_nothing():
    assert not decode(JPEG[:-2]).truncated


def test_salvage_leaves_pillows_switch_alone_and_threads_apart():
    broken = JPEG[: int(len(JPEG) * 0.8)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(decode, [broken, JPEG] * 10))
    assert [f.truncated for f in found] == [True, False] * 10
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (png_header(30_000, 30_000) + b"\x00\x00\x00\x00IDAT" + bytes(9), "900 million"),
        (png_header(12_000, 12_000) + b"\x00\x00\x00\x00IDAT" + bytes(100), "12,000 × 12,000"),
        (b"GIF89a\xff\xff\xff\xff\x00\x00\x00,", "damaged|too large|ends early"),
        (
            b"RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff" * 6,
            "too large|damaged",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused(bomb: bytes, words: str):
    with pytest.raises(Refused, match=words):
        decode(bomb)


def test_the_limit_is_the_callers():
    with pytest.raises(Refused, match=r"640 × 480 pixels \(limit 0.3 million\)"):
        decode(JPEG, max_pixels=300_000)


@pytest.mark.parametrize(
    "text", [b"", b"<html>", b"<svg/>", b"\xff\xd8\xff", b"GIF89a", b"II*\x00"]
)
def test_what_is_no_picture_is_refused_with_words(text: bytes):
    with pytest.raises(Refused) as refusal:
        decode(text)
    assert len(str(refusal.value)) > 15
    assert "Traceback" not in str(refusal.value)


SAMPLES = [
    encode(PHOTOGRAPH.resize((64, 48)), format_, **options)
    for format_, options in [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("HEIF", {}),
    ]
]


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    st.floats(0.05, 1.2),
)
@pytest.mark.filterwarnings("ignore")
def test_mutated_files_decode_or_are_refused(
    sample: bytes, patches: list[tuple[float, bytes]], keep: float
):
    mutated = bytearray(sample)
    for where, patch in patches:
        at = int(where * len(mutated))
        mutated[at : at + len(patch)] = patch
    try:
        found = decode(bytes(mutated[: int(keep * len(mutated))]), max_pixels=4_000_000)
    except Refused as refusal:
        assert str(refusal)
    else:
        assert found.pixels.ndim == 3
        assert found.pixels.dtype == np.uint8


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\x00", b"MM\x00*"]
    ),
    st.binary(max_size=300),
)
def test_random_bytes_are_refused(start: bytes, rest: bytes):
    with pytest.raises(Refused):
        decode(start + rest, max_pixels=1_000_000)


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((600, 450), 320, (300, 225)),
        ((640, 480), 320, (320, 240)),
        ((500, 375), 320, (320, 240)),
        ((375, 500), 320, (240, 320)),
        ((200, 100), 320, (200, 100)),
        ((3000, 4), 320, (300, 1)),
    ],
)
def test_thumbnails_fit_and_are_never_enlarged(
    size: tuple[int, int], max_side: int, expected: tuple[int, int]
):
    found, width, height = thumbnail(np.asarray(PHOTOGRAPH.resize(size)), max_side)
    image = Image.open(io.BytesIO(found))
    assert image.format == "JPEG"
    assert image.size == (width, height) == expected


def test_renditions_come_from_the_original():
    large = encode(PHOTOGRAPH.resize((3000, 2250)), "JPEG")
    assert render(large, 1600)[1:] == (1500, 1125)
    assert render(large, 960)[1:] == (960, 720)
    assert render(JPEG, 1600)[1:] == (640, 480)
    with pytest.raises(Refused):
        render(b"<html>", 960)


def test_shrink_by_hand():
    pixels = np.array([[0, 2, 10, 30], [2, 4, 20, 40]], np.uint8)
    image = Image.fromarray(pixels)
    assert np.asarray(shrink(image, 2)).tolist() == [[2, 25]]
    assert shrink(image, 4) is image

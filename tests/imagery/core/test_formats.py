import pytest

from imagery.core.formats import count_gif_frames, describe, sniff


@pytest.mark.parametrize(
    ("start", "format_"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a", "gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "webp"),
        (b"II*\x00", "tiff"),
        (b"MM\x00*", "tiff"),
        (b"\x00\x00\x00\x18ftypheic", "heic"),
        (b"\x00\x00\x00\x18ftypmif1", "heic"),
        (b"BM" + bytes(12) + b"\x28\x00\x00\x00", "bmp"),
        (b"BMW is a maker of cars", None),
        (b"RIFF\x10\x00\x00\x00WAVE", None),
        (b"\x00\x00\x00\x18ftypavif", None),
        (b"", None),
        (b"\xff\xd8", None),
    ],
)
def test_the_first_bytes_tell(start: bytes, format_: str | None):
    assert sniff(start) == format_


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><p>gone", "begins with '<!DOCTYPE html><p>gone'"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "SVG"),
        (b"  <svg onload=alert(1)>", "SVG"),
        (b"\x00\x00\x00\x20ftypisom", "video (isom)"),
        (b"\x00\x00\x00\x20ftypavif", "AVIF"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "sound or video (AVI)"),
        (b"\x1a\x45\xdf\xa3....webm", "WebM"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b'{"error": "not found"}', 'begins with \'{"error"'),
        (b"\x00\x01\x02\x03", "begins with '····'"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, words: str):
    assert words in describe(data)


def test_gif_frames_by_hand():
    start = b"GIF89a" + bytes(4) + b"\x80\x00\x00" + bytes(6)
    frame = b"\x2c" + bytes(9) + b"\x02" + b"\x03abc" + b"\x00"
    extension = b"\x21\xf9\x04" + bytes(4) + b"\x00"
    local_table = b"\x2c" + bytes(8) + b"\x81" + bytes(12) + b"\x02\x01z\x00"
    assert count_gif_frames(start + frame + b"\x3b" + frame) == 1
    assert count_gif_frames(start + extension + frame + local_table + extension + frame) == 3
    assert count_gif_frames(start) == count_gif_frames(b"GIF89a") == 1


def test_a_gif_of_endless_blocks_is_not_walked_to_its_end():
    assert count_gif_frames(b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\x01a" * 3_000_000) == 1

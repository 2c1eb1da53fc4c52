"""Files made to mislead a decoder: two formats in one, headers that lie, endless parts."""

import io
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import pytest
from PIL import Image

from imagery.core.decode import Refused, decode, render
from imagery.core.formats import count_gif_frames
from tests.pictures import jpeg, photo

PICTURE = photo(7, (64, 48))
JPEG = jpeg(PICTURE)


def encoded(format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, format_, **options)
    return out.getvalue()


def zip_of(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def seconds_of(call, *arguments) -> float:
    """CPU seconds of this process: others may be at work on the machine."""
    before = time.process_time()
    call(*arguments)
    return time.process_time() - before


# Two formats in one file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "tail", [zip_of("evil.php", b"<?php"), b"<script>alert(1)</script>", b"%PDF-1.7 ", JPEG]
)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_what_follows_a_picture_changes_nothing_of_it(format_: str, tail: bytes):
    plain = decode(encoded(format_))
    found = decode(encoded(format_) + tail)
    assert (found.pixels == plain.pixels).all()
    assert (found.format, found.truncated) == (plain.format, False)


def test_a_script_inside_a_gif_does_not_reach_its_rendition():
    script = b"*/=1;alert(document.domain);/*"
    comment = b"\x21\xfe" + bytes([len(script)]) + script + b"\x00"
    plain = encoded("GIF")
    head = 13 + (3 << ((plain[10] & 7) + 1))
    made = plain[:head] + comment + plain[head:]
    assert (decode(made).pixels == decode(plain).pixels).all()
    assert script in made
    assert script not in render(made, 960)[0]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"%PDF-1.4\n1 0 obj <</Subtype /Image /Filter /DCTDecode>> stream\n", "a PDF"),
        (b"<!DOCTYPE html><script>alert(1)</script>\n", "not a picture: begins with '<!DOCTYPE"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (zip_of("a.txt", b"x"), "a ZIP archive"),
        (b"\n", "not a picture"),
    ],
)
def test_a_picture_behind_something_else_is_no_picture(start: bytes, said: str):
    for whole in (JPEG, encoded("PNG")):
        with pytest.raises(Refused, match=said):
            decode(start + whole)


# TIFF headers that lie ------------------------------------------------------------------------


def tiff(entries: list[tuple[int, int, int, int]], following: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory; entries: tag, type, count, value or offset."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    directory = struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)
    return b"II*\x00" + struct.pack("<I", 8) + directory + tail


def grey(width: int, height: int, n_bytes: int, at: int = 200) -> list[tuple[int, int, int, int]]:
    return [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, at), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, n_bytes),
    ]  # fmt: skip


def test_the_tiff_made_here_is_one():
    made = tiff(grey(8, 8, 64))
    found = decode(made.ljust(200, b"\0") + bytes([90]) * 64)
    assert (found.width, found.height, found.pixels.mean()) == (8, 8, 90)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (tiff(grey(2**31 - 1, 2**31 - 1, 64), tail=bytes(300)), "too large|damaged"),
        (tiff(grey(60_000, 60_000, 64), tail=bytes(300)), "too large"),
        (tiff(grey(0, 8, 64), tail=bytes(300)), "damaged"),
        (tiff(grey(9_000, 9_000, 64), tail=bytes(300)), "ends early|damaged"),
        (tiff(grey(8, 8, 64, at=2**32 - 9)), "ends early|damaged"),
        (tiff([(256, 4, 2**32 - 1, 8), *grey(8, 8, 64)[1:]], tail=bytes(300)), "damaged|early"),
        (b"II*\x00" + struct.pack("<I", 2**32 - 1), "damaged|ends early"),
        (b"II*\x00" + struct.pack("<IH", 8, 65_535) + bytes(12 * 100), "damaged|ends early"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tiffs_that_lie_about_what_they_hold_are_refused(made: bytes, said: str):
    assert seconds_of(refused, made, said) < 2


def refused(made: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        decode(made)


@pytest.mark.parametrize("back_to", [8, 0, 2**31])
@pytest.mark.filterwarnings("ignore")
def test_tiff_directories_that_lead_in_circles_end(back_to: int):
    made = tiff([*grey(8, 8, 64), (330, 4, 1, 8), (34665, 4, 1, 8)], following=back_to)
    made = made.ljust(200, b"\0") + bytes([90]) * 64
    assert seconds_of(decode, made) < 2
    assert decode(made).pixels.mean() == 90


# Endless parts --------------------------------------------------------------------------------

ONE_PIXEL = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
GIF_HEAD = b"GIF89a" + struct.pack("<HHBBB", 64, 48, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"


def test_a_gif_of_a_hundred_thousand_frames_costs_what_its_first_costs():
    made = GIF_HEAD + ONE_PIXEL * 100_000 + b"\x3b"
    frames = count_gif_frames(made)
    assert frames >= 60_000
    assert seconds_of(decode, made) < 4
    assert (decode(made).frames, decode(made).width) == (frames, 64)


def test_a_gif_of_nothing_but_comments_ends():
    made = GIF_HEAD + b"\x21\xfe\x01x\x00" * 400_000 + ONE_PIXEL + b"\x3b"
    before = time.process_time()
    try:
        assert decode(made).frames >= 1
    except Refused as refusal:
        assert str(refusal)
    assert time.process_time() - before < 8


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    "blocks",
    [
        b"".join(
            segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 255]) + bytes(65_000))
            for number in range(1, 256)
        ),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\xff" * 65_000) * 170,
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x:xmpmeta>" * 5_900) * 170,
        segment(0xED, b"Photoshop 3.0\x00" + b"8BIM" * 16_000) * 170,
        segment(0xFE, b"comment " * 8_000) * 170,
    ],
    ids=["icc", "exif", "xmp", "photoshop", "comment"],
)
@pytest.mark.filterwarnings("ignore")
def test_megabytes_beside_the_pixels_change_nothing(blocks: bytes):
    made = JPEG[:2] + blocks + JPEG[2:]
    assert len(made) > 10_000_000
    before = time.process_time()
    found = decode(made)
    assert time.process_time() - before < 2
    assert (found.pixels == decode(JPEG).pixels).all()
    assert len(render(made, 960)[0]) < 20_000


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


OPENED = """
import pathlib, resource, sys
from imagery.core.decode import Refused, decode
for path in sys.argv[1:]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        told = decode(pathlib.Path(path).read_bytes()).width
    except Refused:
        told = "refused"
    print(told, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_packed_texts_in_a_png_are_not_unpacked_without_end(tmp_path):
    plain, zeros = encoded("PNG"), zlib.compress(bytes(128 * 2**20), 1)
    starts = {b"zTXt": b"Comment\0\0", b"iCCP": b"icc\0\0", b"iTXt": b"XML\0\1\0\0\0"}
    for kind, start in starts.items():
        made = plain[:33] + chunk(kind, start + zeros) * 3 + plain[33:]
        (tmp_path / kind.decode()).write_bytes(made)
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run([sys.executable, "-c", OPENED, *files], capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3
    for told, kilobytes in map(str.split, lines):
        assert told in ("64", "refused")
        assert int(kilobytes) < 64 * 1024


def test_names_do_not_matter_to_the_decoder():
    assert {decode(encoded(kind)).format for kind in ("JPEG", "PNG", "HEIF")} == {
        "jpeg",
        "png",
        "heic",
    }
    assert Image.open(io.BytesIO(render(encoded("HEIF"), 320)[0])).format == "JPEG"

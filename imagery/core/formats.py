"""Which of the picture formats we take the first bytes announce, and what else they may be."""

_HEIC_BRANDS = {
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1",
}  # fmt: skip
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}

_MOST_BLOCKS = 200_000

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "a video (WebM or Matroska)"),
    (b"FLV", "a video (FLV)"),
    (b"\x00\x00\x01\xba", "a video (MPEG)"),
    (b"\x00\x00\x01\xb3", "a video (MPEG)"),
    (b"\x00\x00\x01\x00", "an icon (ICO)"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"8BPS", "a Photoshop file"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture, a format not taken"),
    (b"\xff\x0a", "a JPEG XL picture, a format not taken"),
    (b"OggS", "an Ogg sound or video"),
    (b"ID3", "a sound (MP3)"),
)


def sniff(data: bytes) -> str | None:
    """The allow-listed format that the first bytes announce; None for anything else.

    One of "jpeg", "png", "webp", "gif", "bmp", "tiff", "heic". Looks at 26 bytes and decodes
    nothing, so a match is a claim, not a proof.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "tiff"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "heic"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    return None


def count_gif_frames(data: bytes) -> int:
    """Frames of a GIF, by walking its blocks without decoding them; at least 1.

    Stops at what is broken, and after 200,000 blocks, which a hostile file can hold in 400 kB.
    """
    at = 13 + _colour_table(data[10:11])
    frames = 0
    blocks = 0
    while blocks < _MOST_BLOCKS:
        kind = data[at : at + 1]
        if kind == b"\x2c":
            frames += 1
            at += 11 + _colour_table(data[at + 9 : at + 10])
        elif kind == b"\x21":
            at += 2
        else:
            break
        while blocks < _MOST_BLOCKS and (size := int.from_bytes(data[at : at + 1])):
            at += size + 1
            blocks += 1
        at += 1
        blocks += 1
    return max(1, frames)


def _colour_table(flags: bytes) -> int:
    """Bytes of the table that a GIF's flag byte announces."""
    value = int.from_bytes(flags)
    return 3 << ((value & 7) + 1) if value & 0x80 else 0


def describe(data: bytes) -> str:
    """Why bytes that sniff() does not know are no picture, for a person to read."""
    if not data:
        return "not a picture: the file is empty"
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in data[:2048].lower() and start.startswith(b"<"):
        return "not taken: SVG is a drawing with code in it, not a picture of pixels"
    if data[4:8] == b"ftyp":
        if data[8:12] in {b"avif", b"avis"}:
            return "not taken: AVIF pictures are not read yet"
        return f"not a picture: a video ({_printable(data[8:12])})"
    if data[:4] == b"RIFF":
        return f"not a picture: a sound or video ({_printable(data[8:12])})"
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return f"not a picture: {name}"
    return f"not a picture: begins with '{_printable(data.lstrip()[:24] or data[:24])}'"


def _printable(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data).strip()

"""What a pasted text can be."""

import pytest

from imagery.core.hash_words import Hashes, read

LONG = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
SHORT = "c3d4e5f60718293a"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (LONG, Hashes(sha256=LONG, pdq=LONG)),
        (f"  {LONG.upper()}\n", Hashes(sha256=LONG, pdq=LONG)),
        (f"sha256:{LONG}", Hashes(sha256=LONG)),
        (f"SHA-256 = {LONG}", Hashes(sha256=LONG)),
        (f"pdq {LONG}", Hashes(pdq=LONG)),
        (f"{LONG},87,bridge day", Hashes(sha256=LONG, pdq=LONG)),
        (f"{LONG[:32]} {LONG[32:]}", Hashes(sha256=LONG, pdq=LONG)),
        (SHORT, Hashes(phash=SHORT)),
        (f"0x{SHORT}", Hashes(phash=SHORT)),
        (f"phash:{SHORT}", Hashes(phash=SHORT)),
    ],
)
def test_a_hash_is_told_by_its_length_or_its_name(text: str, want: Hashes) -> None:
    assert read(text) == want


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "0 hexadecimal digits"),
        ("a", "1 hexadecimal digit;"),
        ("0" * 32, "an MD5"),
        ("0" * 40, "a SHA-1"),
        ("hello", "'h' is no hexadecimal digit"),
        ("www.example.com/a.jpg", "begins with http"),
        (f"phash:{LONG}", "64 hexadecimal digits"),
        (f"pdq:{SHORT}", "16 hexadecimal digits"),
        ("é" * 64, "'é'"),
        ("z" * 5000, "…"),
    ],
)
def test_what_is_no_hash_is_named(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as error:
        read(text)
    assert len(str(error.value)) < 250

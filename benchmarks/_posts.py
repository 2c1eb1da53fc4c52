"""Posts to measure with, as NDJSON: power laws of accounts and pictures, two months of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson

START = datetime(2017, 9, 16, tzinfo=UTC)
DAYS = 61
SAID = """
    hurricane maria puerto rico island power water people help storm damage roads relief fema san
    juan without food hospital family please donate after the and is with for from this that we
    are they need news today morning night rain wind flood school house governor bridge mother
"""
WORDS = SAID.split()
TAGS = ("Maria", "PuertoRico", "HurricaneMaria", "FEMA", "SanJuan", "PRStrong", "news", "relief")


def skewed(n: int, most: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) int64 below `most`: item i drawn with odds 1 / (i + 1) ** exponent."""
    odds = np.cumsum(1 / np.arange(1, most + 1) ** exponent)
    return np.searchsorted(odds, rng.random(n) * odds[-1]).astype(np.int64)


def seconds(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) int64 ascending, seconds since 1970: a quick rise, a long fall, days and nights."""
    after = np.concatenate([rng.gamma(2.0, 4.0, n - n // 5), rng.uniform(0, DAYS, n // 5)]) % DAYS
    day, hour = np.floor(after), rng.beta(3, 2, n)
    return np.sort(int(START.timestamp()) + ((day + hour) * 86_400).astype(np.int64))


def texts(n: int, rng: np.random.Generator) -> list[str]:
    """n sentences of 8 to 24 words."""
    words = np.array(WORDS)[skewed(24 * n, len(WORDS), 0.8, rng)].reshape(n, 24).tolist()
    return [" ".join(row[:k]) for row, k in zip(words, rng.integers(8, 25, n), strict=True)]


def lines(n: int, share_with_images: float, seed: int = 0) -> Iterator[bytes]:
    """n posts as lines of Afterimage NDJSON, in the order of time."""
    rng = np.random.default_rng(seed)
    at = seconds(n, rng)
    account = skewed(n, max(1, n // 6), 0.9, rng)
    picture = skewed(n, max(1, n // 10), 1.0, rng)
    shown = rng.random(n) < share_with_images
    tag = skewed(3 * n, len(TAGS), 1.0, rng).reshape(n, 3)
    for begin in range(0, n, 10_000):
        told = texts(min(10_000, n - begin), rng)
        for i, text in enumerate(told, start=begin):
            tags = [TAGS[t] for t in dict.fromkeys(tag[i, : i % 4].tolist())]
            who = int(account[i])
            post = {
                "platform": "twitter",
                "id": str(910_000_000_000_000_000 + 4_194_304 * i),
                "posted_at": (datetime.fromtimestamp(int(at[i]), UTC)).isoformat(),
                "account": {
                    "id": str(10_000 + who),
                    "handle": f"person{who}",
                    "name": f"Person {who}",
                    "followers": 50 + 37 * who % 9000,
                    "following": 12 + who % 700,
                    "verified": who % 97 == 0,
                },
                "text": " ".join([text, *(f"#{name}" for name in tags)]),
                "lang": "en" if i % 3 else "es",
                "url": f"https://social.example/person{who}/status/{i}",
                "hashtags": tags,
                "likes": i % 41,
                "reposts": i % 17,
            }
            if shown[i]:
                post["images"] = [{"url": f"https://pictures.example/{picture[i]:x}.jpg"}]
            yield orjson.dumps(post) + b"\n"


def write(path: Path, n: int, share_with_images: float, seed: int = 0) -> Path:
    with path.open("wb") as file:
        file.writelines(lines(n, share_with_images, seed))
    return path

"""Posts with pictures, as a person would have them on disk: NDJSON and a ZIP beside it."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.pictures import jpeg, photo, smaller

START = datetime(2024, 3, 1, 6, tzinfo=UTC)
BROKEN_LINK = "http://127.0.0.1/gone.jpg"
CUT_SHORT = "cut-short.jpg"


class OnDisk(NamedTuple):
    posts: Path
    pictures: Path
    n_posts: int
    n_unique: int
    n_bad: int


def write(folder: Path, n: int, seed: int = 0, bad: bool = False) -> OnDisk:
    """n pictures, every third in two sizes; picture i has about 2n / (i + 1) posts.

    Every second picture's posts carry #river. With `bad`: two rows that cannot be read, a link
    that is refused and a picture that is cut short, one post each.
    """
    rows: list[str] = []
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for i in range(n):
            for name, data in _versions(i, seed):
                archive.writestr(name, data)
            rows += [json.dumps(_post(i, k, n)) for k in range(max(1, 2 * n // (i + 1)))]
        if bad:
            archive.writestr(CUT_SHORT, jpeg(photo(seed + 900))[:300])
            broken = [
                {"url": BROKEN_LINK},
                {"url": f"https://x.invalid/{CUT_SHORT}", "file": CUT_SHORT},
            ]
            rows += [
                json.dumps(_with(900_000 + i, 30 * i, [image])) for i, image in enumerate(broken)
            ]
    n_posts = len(rows)
    if bad:
        rows += [
            "{not json",
            json.dumps({"platform": "x", "id": "b2", "posted_at": "yesterday-ish"}),
        ]
    (folder / "posts.ndjson").write_text("\n".join(rows) + "\n")
    return OnDisk(folder / "posts.ndjson", folder / "pictures.zip", n_posts, n, 2 * bad)


def _versions(i: int, seed: int) -> list[tuple[str, bytes]]:
    tall = i % 4 == 1
    picture = photo(seed + i, (300, 400) if tall else (400, 300))
    made = [(f"{i:03}.jpg", jpeg(picture))]
    if i % 3 == 0:
        made.append((f"{i:03}-small.jpg", jpeg(smaller(picture), 70)))
    return made


def _post(i: int, k: int, n: int) -> dict[str, Any]:
    name = f"{i:03}-small.jpg" if i % 3 == 0 and k % 2 else f"{i:03}.jpg"
    image = {"url": f"https://x.invalid/{name}", "file": name, "alt": f"Texture {i}"}
    minutes = 97 * i + 41 * k + (k * k) % 31
    return _with(i * 1000 + k, minutes, [image], "#river rises" if i % 2 else "at the market")


def _with(uid: int, minutes: int, images: list[dict[str, str]], text: str = "") -> dict[str, Any]:
    return {
        "platform": "mastodon",
        "id": str(uid),
        "posted_at": (START + timedelta(minutes=minutes)).isoformat(),
        "account": {"id": str(uid % 11), "handle": f"person{uid % 11}"},
        "text": text,
        "url": f"https://x.invalid/posts/{uid}",
        "images": images,
        "likes": uid % 17,
    }

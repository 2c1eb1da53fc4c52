"""Makes the demo event: real photographs, posted by a crowd that does not exist.

`make` writes what an analyst would be handed: posts as NDJSON, a folder of pictures, and,
beside them, the truth. It downloads nothing and touches no database.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from imagery.demo import crowd, story
from imagery.demo.files import MadeFile, make_files
from imagery.demo.posting import Feed, Moment
from imagery.demo.story import ABOUT, TITLE

__all__ = ["ABOUT", "TIMEZONE", "TITLE", "Made", "make"]

TIMEZONE = "Europe/Madrid"  # of the coast it is set on

WITH_PICTURE_SHARE = 0.75
ALBUM_SHARE = 0.04  # of picture posts that show two to four


@dataclass(frozen=True, slots=True)
class Made:
    """What was written, and what is known about it."""

    posts: Path
    images: Path
    truth: Path
    n_posts: int
    n_files: int
    n_accounts: int
    n_urls: int
    starts_at: datetime  # aware, UTC
    ends_at: datetime
    dead_links: tuple[str, ...]  # `file` names that posts give and no folder holds
    faults: dict[str, str]  # file name: why no picture can be read from it


def make(
    folder: Path,
    *,
    seed: int = 7,
    n_posts: int = 3000,
    n_files: int = 400,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Made:
    """Writes posts.ndjson, images/ and truth.csv; the same arguments give the same bytes.

    now: aware; the eight days end at the midnight (UTC) at least a day before it. progress is
    called with files written and files in all. About 25 s for 400 files. Raises ValueError
    where there are fewer picture posts (three quarters of n_posts) than files, or fewer than
    24 files, and PhotographMissing where the packages lack their photographs.
    """
    if now.tzinfo is None:
        raise ValueError(f"now must say its timezone, got {now.isoformat()}")
    n_with_picture = round(n_posts * WITH_PICTURE_SHARE)
    if n_with_picture < n_files:
        raise ValueError(
            f"{n_posts} posts show {n_with_picture} pictures: too few for {n_files} files"
        )
    yesterday = (now - timedelta(days=1)).astimezone(UTC)
    ends_at = yesterday.replace(hour=0, minute=0, second=0, microsecond=0)
    starts_at = ends_at - timedelta(days=story.N_DAYS)

    files = make_files(folder / "images", n_files, seed, progress)
    feed = _feed(files, n_posts, n_with_picture, starts_at, seed)
    dead = _dead_links(feed, max(2, n_posts // 500), np.random.default_rng([seed, 1_000_003]))
    _write_posts(folder / "posts.ndjson", feed.rows)
    _write_truth(folder / "truth.csv", files)
    return Made(
        posts=folder / "posts.ndjson",
        images=folder / "images",
        truth=folder / "truth.csv",
        n_posts=len(feed.rows),
        n_files=len(files),
        n_accounts=len({row["account"]["id"] for row in feed.rows}),
        n_urls=len({image["url"] for row in feed.rows for image in row.get("images", ())}),
        starts_at=starts_at,
        ends_at=ends_at,
        dead_links=dead,
        faults={file.name: file.fault for file in files if file.fault},
    )


def _feed(
    files: Sequence[MadeFile], n_posts: int, n_with_picture: int, starts_at: datetime, seed: int
) -> Feed:
    rng = np.random.default_rng([seed, 1_000_002])
    moments = _with_albums(crowd.picture_moments(files, n_with_picture, rng), rng)
    moments += [
        (hour, topic, ()) for hour, topic in crowd.chatter_moments(n_posts - n_with_picture, rng)
    ]
    feed = Feed(crowd.people(max(20, n_posts // 3), rng), starts_at, rng)
    for hour, topic, shown in sorted(moments, key=lambda moment: moment[0]):
        feed.add(hour, topic, shown)
    return feed


def _with_albums(
    pictures: Sequence[tuple[float, MadeFile]], rng: np.random.Generator
) -> list[Moment]:
    """Some posts show one to three more pictures that were around at the time."""
    moments: list[Moment] = []
    for place, (hour, file) in enumerate(pictures):
        shown = [file]
        if place and rng.random() < ALBUM_SHARE:
            recent = pictures[max(0, place - 60) : place]
            for index in rng.integers(0, len(recent), int(rng.integers(1, 4))):
                other = recent[int(index)][1]
                if not other.fault and other.source not in {s.source for s in shown}:
                    shown.append(other)
        moments.append((hour, story.BY_NAME[file.topic], tuple(shown)))
    return moments


def _dead_links(feed: Feed, n: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Gives n posts without a picture a link to one that is gone."""
    without = [row for row in feed.rows if "images" not in row]
    names = tuple(f"gone-{place + 1}.jpg" for place in range(n))
    for name, index in zip(names, rng.choice(len(without), n, replace=False), strict=True):
        feed.add_dead_link(without[int(index)], name)
    return names


def _write_posts(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("wb") as out:
        for row in rows:
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _write_truth(path: Path, files: Sequence[MadeFile]) -> None:
    """One line per readable file: what it shows, and what was done to it."""
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(("file", "source", "kind", "strength"))
        for file in files:
            if not file.fault:
                table.writerow((file.name, file.source, file.kind, file.strength))

"""An event as large as the largest of paper A (S1), straight into the rows of a fresh database.

Pictures spread as they do: a post shows a new one, or what an earlier post showed, of late or at
all; so sizes follow a power law and each picture has its days. Made by a seed: the same counts
give the same rows.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from benchmarks import _posts

if TYPE_CHECKING:
    from django.db.models import Model

POSTS = 7_786_049
IMAGE_POSTS = 591_224
LINKS = 65_000
FILES = 50_000
UNIQUE = 32_720
CHUNK = 100_000
SLUG = "s1"
EMBEDDER = "mobilenet_v2@bench"
NAMES = ("seashore", "volcano", "street sign", "web site", "comic book", "palm", "dam", "tent")


@dataclass(frozen=True, slots=True)
class Size:
    """Of an event; `scaled` keeps S1's proportions, and all its pictures."""

    posts: int = POSTS
    image_posts: int = IMAGE_POSTS
    links: int = LINKS
    files: int = FILES
    unique: int = UNIQUE

    @classmethod
    def scaled(cls, posts: int) -> Size:
        share = posts / POSTS
        counts = (IMAGE_POSTS, LINKS, FILES, UNIQUE)
        return cls(posts, *(max(10, round(n * share)) for n in counts))


def peak_mb() -> float:
    """Most memory this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def fresh_data() -> Iterator[Path]:
    """Django set up over an empty database in a folder of its own, which goes in the end."""
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as folder:
        os.environ["AFTERIMAGE_DATA"] = folder
        set_up()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield Path(folder)


def set_up() -> None:
    """Django over the data folder that the environment names."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()


# What is shown when -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spread:
    """Posts by time (s since 1970), and which of them show which links.

    Links, files and unique images are numbered from 0; the first of each number are one another's
    own: unique image i's representative is file i, first fetched from link i.
    """

    at: np.ndarray  # (posts,)
    account: np.ndarray  # (posts,)
    post: np.ndarray  # (ties,) ascending
    link: np.ndarray  # (ties,)
    file_of: np.ndarray  # (links,)
    unique_of: np.ndarray  # (files,)


def spread(size: Size, seed: int = 0) -> Spread:
    rng = np.random.default_rng(seed)
    at = _posts.seconds(size.posts, rng)
    shown = np.sort(rng.choice(size.posts, size.image_posts, replace=False))
    # One post in fourteen is an album of two.
    post = np.sort(np.concatenate([shown, rng.choice(shown, size.image_posts // 14)]))
    unique = _copied(len(post), size.unique, rng)
    unique_of = np.concatenate(
        [np.arange(size.unique), unique[rng.integers(0, len(post), size.files - size.unique)]]
    )
    file_of = np.concatenate(
        [np.arange(size.files), rng.integers(0, size.files, size.links - size.files)]
    )
    return Spread(
        at=at,
        account=_posts.skewed(size.posts, max(1, size.posts // 6), 0.85, rng),
        post=post,
        link=_links(unique, unique_of[file_of], rng),
        file_of=file_of,
        unique_of=unique_of,
    )


def _copied(n: int, n_new: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) int64: what each place shows: `n_new` of them something new, the others what an
    earlier one shows, half of them one of late."""
    begun = n_new // 20  # the first that are shown are all new
    new = np.arange(n) < begun
    new[rng.choice(np.arange(begun, n), n_new - begun, replace=False)] = True
    place = np.arange(n)
    late = place - 1 - (rng.pareto(0.7, n) * 20).clip(max=n).astype(np.int64)
    ever = (rng.random(n) * place).astype(np.int64)
    is_late = (rng.random(n) < 0.5) & (late >= 0)
    source = np.where(new, place, np.where(is_late, late, ever))
    while not new[source].all():
        source = source[source]
    return (np.cumsum(new) - 1)[source]


def _links(unique: np.ndarray, unique_of_link: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A link of each tie's unique image, earlier ones more often."""
    order = np.argsort(unique_of_link, kind="stable")
    n = np.bincount(unique_of_link)
    begin = np.cumsum(n) - n
    return order[begin[unique] + (rng.random(len(unique)) ** 2 * n[unique]).astype(np.int64)]


def peaky(n: int, width: int = 1000, seed: int = 0) -> np.ndarray:
    """(n, width) float32, rows sum to 1: pictures of 300 classes, sure of them or not."""
    rng = np.random.default_rng(seed)
    out = np.empty((n, width), np.float32)
    theme = rng.normal(0, 1.5, (300, width)).astype(np.float32)
    popularity = 1 / np.arange(1, 301)
    which = rng.choice(300, n, p=popularity / popularity.sum())
    for at in range(0, n, 4096):
        part = which[at : at + 4096]
        logits = theme[part] + rng.normal(0, 1, (len(part), width)).astype(np.float32)
        logits[np.arange(len(part)), part * width // 300] += rng.gamma(4, 2.5, len(part))
        odds = np.exp(logits)
        out[at : at + 4096] = odds / odds.sum(axis=1, keepdims=True)
    return out


# Rows -------------------------------------------------------------------------------------------


class _Rows:
    """Raw inserts, with what a model's other columns have by default."""

    def __init__(self, path: Path) -> None:
        self.base = sqlite3.connect(path, isolation_level=None)
        self.base.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;"
            "PRAGMA cache_size=-262144; PRAGMA temp_store=FILE;"
        )

    def insert(
        self,
        model: type[Model],
        rows: Iterable[Sequence[Any]],
        columns: Mapping[str, str] | Sequence[str],
    ) -> None:
        """columns: names, or SQL by name, of a row's values."""
        from django.db import connection

        given = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, "?")
        left = [f for f in model._meta.concrete_fields if f.column not in given]
        fixed = {f.column: f.get_db_prep_save(f.get_default(), connection) for f in left}
        names = ", ".join(f'"{name}"' for name in (*given, *fixed))
        values = ", ".join((*given.values(), *(_literal(value) for value in fixed.values())))
        table = model._meta.db_table
        self.base.execute("BEGIN")
        self.base.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({values})', rows)
        self.base.execute("COMMIT")

    @contextmanager
    def unindexed(self, model: type[Model]) -> Iterator[None]:
        """Drop the table's indexes meanwhile: sorting once is quicker than placing each row."""
        found = self.base.execute(
            "SELECT name, sql FROM sqlite_master WHERE type='index' AND sql<>'' AND tbl_name=?",
            [model._meta.db_table],
        ).fetchall()
        for name, _ in found:
            self.base.execute(f'DROP INDEX "{name}"')
        yield
        for _, statement in found:
            self.base.execute(statement)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int, float)):
        return repr(int(value) if isinstance(value, bool) else value)
    if isinstance(value, (bytes, memoryview)):
        return f"X'{bytes(value).hex()}'"
    return "'" + str(value).replace("'", "''") + "'"


def make(data: Path, size: Size, seed: int = 0) -> None:
    """Fill the fresh database with an event whose images were looked at and put into sets, and
    whose owner is "owner"; nothing is grouped or counted yet."""
    from django.contrib.auth.models import User

    from imagery.models import Event, Membership, Role

    event = Event.objects.create(
        slug=SLUG, name="As large as S1", timezone="America/Puerto_Rico", embedder=EMBEDDER
    )
    owner = User.objects.create_user("owner", password="bench")
    Membership.objects.create(event=event, user=owner, role=Role.OWNER)
    from django.db import connection

    connection.close()
    rows, made = _Rows(data / "db.sqlite3"), spread(size, seed)
    _pictures(rows, event.pk, size, made)
    _accounts(rows, event.pk, int(made.account.max()) + 1)
    _write_posts(rows, event.pk, size, made)
    rows.base.executescript("PRAGMA journal_mode=WAL;")
    rows.base.close()


def _pictures(rows: _Rows, event_id: int, size: Size, made: Spread) -> None:
    from imagery.models import Image, Link, UniqueImage, Vector

    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 2**63, size.unique, np.int64)
    flips = 1 << rng.integers(0, 63, size.files)
    phash = np.where(
        np.arange(size.files) < size.unique, hashes[made.unique_of], hashes[made.unique_of] ^ flips
    )
    classes = [
        orjson.dumps([[NAMES[i % 8], 0.62], [NAMES[i % 7], 0.2], ["sky", 0.05]]).decode()
        for i in range(56)
    ]
    signature = bytes(range(192))
    rows.insert(
        Image,
        (
            (i + 1, event_id, f"{i:064x}", 90_000 + i % 70_000, int(u) + 1, f"{int(h):016x}",
             f"{int(h) * 0x9E3779B97F4A7C15 % 2**256:064x}", signature, classes[int(u) % 56])
            for i, (u, h) in enumerate(zip(made.unique_of, phash, strict=True))
        ),
        {
            **dict.fromkeys(
                ("id", "event_id", "sha256", "n_bytes", "unique_id", "phash", "pdq", "signature",
                 "top_classes"), "?"
            ),
            "distance": "0", "format": "'JPEG'", "width": "1200", "height": "900",
            "pdq_quality": "90", "hash_version": "'bench'", "embedder": f"'{EMBEDDER}'",
            "looked_at": "'2018-01-01 00:00:00'", "created_at": "'2018-01-01 00:00:00'",
        },
    )  # fmt: skip
    rows.insert(
        UniqueImage,
        ((i, event_id, i) for i in range(1, size.unique + 1)),
        ("id", "event_id", "representative_id"),
    )
    vectors = peaky(size.unique).astype("<f2")
    rows.insert(
        Vector,
        ((i + 1, "snc", EMBEDDER, vectors[i].tobytes()) for i in range(size.unique)),
        ("image_id", "layer", "embedder", "values"),
    )
    gone = {i for i in range(size.unique, size.links) if i % 11 == 0}
    rows.insert(
        Link,
        (
            (i + 1, event_id, f"https://pictures.example/{i:x}.jpg", f"{i:032x}",
             *(("failed", None, "http_status", "the site answered 404 Not Found", 3)
               if i in gone else ("fetched", int(f) + 1, "", "", 1)))
            for i, f in enumerate(made.file_of)
        ),
        ("id", "event_id", "url", "key", "state", "image_id", "kind", "reason", "attempts"),
    )  # fmt: skip


def _accounts(rows: _Rows, event_id: int, n: int) -> None:
    from imagery.models import Account

    with rows.unindexed(Account):
        rows.insert(
            Account,
            ((i, event_id, i, i, i, 50 + 37 * i % 9000) for i in range(1, n + 1)),
            {
                "id": "?", "event_id": "?", "uid": "printf('%010d', ?)",
                "handle": "'person' || ?", "name": "'Person ' || ?", "followers": "?",
                "platform": "'twitter'",
            },
        )  # fmt: skip


def _write_posts(rows: _Rows, event_id: int, size: Size, made: Spread) -> None:
    from imagery.models import Post, PostLink

    rng = np.random.default_rng(2)
    texts = _posts.texts(min(200_000, size.posts), rng)
    tags = [orjson.dumps([*_posts.TAGS[i % 5 : i % 5 + i % 4], f"tag{i}"][: i % 5]).decode()
            for i in range(5000)]  # fmt: skip
    has_images = np.zeros(size.posts, np.int8)
    has_images[made.post] = 1
    columns = {
        "id": "?", "event_id": "?", "uid": "910000000000000000 + 4194304 * ?", "account_id": "?",
        "posted_at": "datetime(?, 'unixepoch')", "text": "?", "hashtags": "?", "has_images": "?",
        "likes": "?", "reposts": "?", "url": "'https://social.example/status/' || ?",
        "platform": "'twitter'", "lang": "'en'",
    }  # fmt: skip
    with rows.unindexed(Post):
        for begin in range(0, size.posts, CHUNK):
            part = slice(begin, min(size.posts, begin + CHUNK))
            ids = np.arange(part.start, part.stop) + 1
            text = rng.integers(0, len(texts), len(ids)).tolist()
            number = ids.tolist()
            rows.insert(
                Post,
                zip(
                    number, [event_id] * len(ids), number, (made.account[part] + 1).tolist(),
                    made.at[part].tolist(), [texts[i] for i in text],
                    [tags[i % 5000] for i in text], has_images[part].tolist(),
                    (ids % 41).tolist(), (ids % 17).tolist(), number, strict=True,
                ),
                columns,
            )  # fmt: skip
    pairs = np.unique(np.stack([made.post, made.link], axis=1), axis=0) + 1
    with rows.unindexed(PostLink):
        rows.insert(PostLink, pairs.tolist(), ("post_id", "link_id"))

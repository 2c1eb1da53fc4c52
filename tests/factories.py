"""A small organised event straight in rows: what page tests begin from.

Its numbers are told by the arguments alone. Unique image i (from 0) is posted
`max(1, 24 // (i + 1))` times, has `1 + i % 3` files, each file its own link; uniques go in
groups of three, whose members stand 0.05 apart and 0.5 from the next group's, so that θ = 0.8
gives `ceil(n_unique / 3)` groups. Besides there are 4 posts without pictures, 2 posts of a link
that failed, and one post (the first of unique 1) that carries two files of one unique image.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from imagery import blobs, snapshots, text_index
from imagery.models import Account, Event, Image, Link, Post, PostLink, Snapshot, UniqueImage
from imagery.pictures import SMALL

START = datetime(2017, 9, 20, 10, 0, tzinfo=UTC)
EMBEDDER = "mobilenet_v2@test"
CLASSES = ("harbor", "street", "bridge", "church", "tent", "truck", "beach", "forest")
SHAPES = ((96, 72), (72, 96), (120, 60), (80, 80), (112, 70))


@dataclass
class Made:
    """Rows while they are being made: per unique image its files, per post its links."""

    uniques: list[UniqueImage] = field(default_factory=list)
    links_of: list[list[Link]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    carried: list[list[Link]] = field(default_factory=list)


def organised(
    event: Event, n_unique: int = 12, *, n_accounts: int = 5, start: datetime = START
) -> Event:
    """Fill the event, count it, store its arrays; returned afresh from the database.

    Posts of unique i begin i × 37 minutes after `start` and follow each other by 11 × (i + 1)
    minutes, so early ones come in a burst.
    """
    made = Made()
    for index in range(n_unique):
        _unique(event, index, made)
    _posts(event, made, n_accounts, start)
    _count(event, made)
    _snapshots(event, made)
    text_index.catch_up()
    return Event.objects.get(pk=event.pk)


def jpeg(index: int = 0, size: tuple[int, int] = (96, 72), quality: int = 85) -> bytes:
    """A small picture that differs by index: a ground, a disc, a bar."""
    rng = np.random.default_rng(index)
    ground, disc, bar = (tuple(int(v) for v in rng.integers(20, 235, 3)) for _ in range(3))
    picture = Picture.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    w, h = size
    x, y, r = rng.uniform(0.2, 0.8) * w, rng.uniform(0.2, 0.8) * h, 0.25 * min(w, h)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=disc)
    top = rng.uniform(0.1, 0.8) * h
    draw.rectangle((0, top, w, top + 0.12 * h), fill=bar)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def image(event: Event, data: bytes, **fields: object) -> Image:
    """A file of the event: stored, with its small thumbnail, as if it had been looked at."""
    sha256 = blobs.put(data)
    blobs.put_thumb(sha256, SMALL, data)
    with Picture.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    defaults: dict[str, object] = {
        "n_bytes": len(data),
        "format": "JPEG",
        "width": width,
        "height": height,
        "phash": sha256[:16],
        "pdq": sha256,
        "pdq_quality": 90,
        "hash_version": "test",
        "embedder": EMBEDDER,
        "looked_at": START,
    }
    return Image.objects.create(event=event, sha256=sha256, **(defaults | fields))


def link(event: Event, url: str, **fields: object) -> Link:
    key = snapshots.digest(url)[:32]
    return Link.objects.create(event=event, url=url, key=key, **fields)


def _unique(event: Event, index: int, made: Made) -> None:
    """A unique image with 1 + index % 3 files, the first of them its representative."""
    w, h = SHAPES[index % len(SHAPES)]
    name = CLASSES[(index // 3) % len(CLASSES)]
    unique, links = None, []
    for copy in range(1 + index % 3):
        size = (w - 4 * copy, h - 3 * copy)
        file = image(
            event,
            jpeg(index, size, 88 - 6 * copy),
            distance=2 * copy,
            top_classes=[[name, 0.8 - 0.01 * (index % 3)], ["sky", 0.1]],
            is_blurry=copy == 2,
        )
        if unique is None:
            unique = UniqueImage.objects.create(event=event, representative=file)
        file.unique = unique
        file.save(update_fields=["unique"])
        url = f"https://pictures.example/{index:03d}-{copy}.jpg"
        links.append(
            link(event, url, state=Link.State.FETCHED, image=file, fetched_at=START, final_url=url)
        )
    made.uniques.append(unique)
    made.links_of.append(links)


def _posts(event: Event, made: Made, n_accounts: int, start: datetime) -> None:
    accounts = Account.objects.bulk_create(
        Account(event=event, platform="twitter", uid=str(i), handle=f"person{i}", followers=100 * i)
        for i in range(n_accounts)
    )

    def add(at: datetime, links: list[Link], text: str, tags: list[str]) -> None:
        n = len(made.posts)
        made.posts.append(
            Post(
                event=event,
                platform="twitter",
                uid=str(1000 + n),
                account=accounts[n % n_accounts],
                posted_at=at,
                text=text,
                url=f"https://posts.example/{1000 + n}",
                hashtags=tags,
                likes=None if n % 4 == 0 else n,
                has_images=bool(links),
            )
        )
        made.carried.append(links)

    for index, links in enumerate(made.links_of):
        for turn in range(max(1, 24 // (index + 1))):
            at = start + timedelta(minutes=37 * index + 11 * (index + 1) * turn)
            both = index == 1 and turn == 0
            chosen = links if both else [links[turn % len(links)]]
            add(at, chosen, f"Picture {index}, again {turn} #storm", ["storm", f"tag{index}"])
    failed = _gone(event, start)
    for hour in range(2):
        add(start + timedelta(hours=hour), [failed], "A picture that is gone", [])
    for hour in range(4):
        add(start + timedelta(hours=hour), [], "No picture here", ["storm"])
    Post.objects.bulk_create(made.posts)
    PostLink.objects.bulk_create(
        PostLink(post=post, link=carried, position=position)
        for post, links in zip(made.posts, made.carried, strict=True)
        for position, carried in enumerate(links)
    )


def _gone(event: Event, at: datetime) -> Link:
    return link(
        event,
        "https://pictures.example/gone.jpg",
        state=Link.State.FAILED,
        reason="the server answered 404 Not Found",
        kind="gone",
        attempts=1,
        failed_at=at,
    )


def _count(event: Event, made: Made) -> None:
    """Counts of links, images, unique images and the event, from the lists at hand."""
    for row in [*Link.objects.filter(event=event), *Image.objects.filter(event=event)]:
        of_link = isinstance(row, Link)
        times = [
            post.posted_at
            for post, links in zip(made.posts, made.carried, strict=True)
            if any((li.pk if of_link else li.image_id) == row.pk for li in links)
        ]
        row.n_posts, row.first_posted_at = len(times), min(times, default=None)
        row.save(update_fields=["n_posts", "first_posted_at"])
    for unique, links in zip(made.uniques, made.links_of, strict=True):
        keys = {li.pk for li in links}
        posts = [
            post
            for post, carried in zip(made.posts, made.carried, strict=True)
            if any(li.pk in keys for li in carried)
        ]
        _count_unique(unique, posts, len(links))
    ranked = sorted(made.uniques, key=lambda u: (-u.n_posts, u.first_posted_at, u.pk))
    for rank, unique in enumerate(ranked, 1):
        unique.rank = rank
    for begin in range(0, len(made.uniques), 3):
        members = made.uniques[begin : begin + 3]
        lead = min(members, key=lambda u: u.rank)
        for unique in members:
            unique.group = lead
    for unique in made.uniques:
        unique.save()
    times = [post.posted_at for post in made.posts]
    Event.objects.filter(pk=event.pk).update(
        embedder=EMBEDDER,
        n_posts=len(made.posts),
        n_image_posts=sum(bool(links) for links in made.carried),
        n_links=Link.objects.filter(event=event).count(),
        n_images=Image.objects.filter(event=event).count(),
        n_unique=len(made.uniques),
        n_groups=-(-len(made.uniques) // 3),
        n_failed_links=1,
        n_accounts=Account.objects.filter(event=event).count(),
        first_posted_at=min(times),
        last_posted_at=max(times),
        revision=1,
        organised_at=max(times),
    )


def _count_unique(unique: UniqueImage, posts: list[Post], n_files: int) -> None:
    days = Counter(post.posted_at.date() for post in posts)
    hours = Counter(post.posted_at.replace(minute=0, second=0) for post in posts)
    tags = Counter(tag for post in posts for tag in post.hashtags)
    unique.n_posts = len(posts)
    unique.n_copies = unique.n_links = n_files
    unique.n_accounts = len({post.account_id for post in posts})
    unique.first_posted_at = min(post.posted_at for post in posts)
    unique.last_posted_at = max(post.posted_at for post in posts)
    unique.peak_at = max(hours, key=lambda hour: (hours[hour], -hour.timestamp()))
    unique.growth = max(days.values()) / (len(posts) / len(days))
    unique.hashtags = [[tag, n] for tag, n in tags.most_common(12)]


def _snapshots(event: Event, made: Made) -> None:
    ranked = sorted(made.uniques, key=lambda u: u.rank)
    carried = [pair for pair in zip(made.posts, made.carried, strict=True) if len(pair[1]) > 1]
    unique = {
        "id": np.array([u.pk for u in ranked], np.int64),
        "n_posts": np.array([u.n_posts for u in ranked], np.int32),
        "rank": np.array([u.rank for u in ranked], np.int32),
        "first": np.array([u.first_posted_at.timestamp() for u in ranked], np.int64),
        "last": np.array([u.last_posted_at.timestamp() for u in ranked], np.int64),
        "album_post": np.zeros(0, np.int64),  # every post shows one picture
        "album_unique": np.zeros(0, np.int64),
        "links_post": np.array([p.pk for p, li in carried for _ in li], np.int64),
        "links_link": np.array([one.pk for _, li in carried for one in li], np.int64),
    }
    place = np.cumsum([0.5 if i and i % 3 == 0 else 0.05 for i in range(len(made.uniques))])
    ids = np.array([u.pk for u in made.uniques], np.int64)
    apart = np.abs(place[:, None] - place[None]).astype(np.float32)
    near = np.argsort(apart, axis=1, kind="stable")[:, 1:9].astype(np.int32)
    neighbours = {
        "unique": ids,
        "index": near,
        "distance": np.take_along_axis(apart, near.astype(np.int64), axis=1),
    }
    for kind, made_arrays in (
        (Snapshot.Kind.UNIQUE, unique),
        (Snapshot.Kind.TIMELINE, _timeline(made)),
        (Snapshot.Kind.TREE, _tree(ids, place)),
        (Snapshot.Kind.NEIGHBOURS, neighbours),
    ):
        inputs = snapshots.digest(*(array.tobytes() for array in made_arrays.values()))
        snapshots.write(event, kind, made_arrays, inputs)


def _tree(ids: np.ndarray, place: np.ndarray) -> snapshots.Arrays:
    """Tree of points on a line: each joined to the next; groups are runs of short steps."""
    step = np.diff(place).astype(np.float32)
    order = np.argsort(step, kind="stable")
    thetas = np.round(np.arange(0.45, 1.0001, 0.01), 2).astype(np.float32)
    runs = [np.split(ids, np.flatnonzero(1 / (1 + step) <= theta) + 1) for theta in thetas]
    return {
        "unique": ids,
        "u": order.astype(np.int32),
        "v": (order + 1).astype(np.int32),
        "d": step[order],
        "thetas": thetas,
        "n_groups": np.array([len(run) if len(ids) else 0 for run in runs], np.int32),
        "largest": np.array([max(len(part) for part in run) for run in runs], np.int32),
    }


def _timeline(made: Made) -> snapshots.Arrays:
    unique_of = {
        li.pk: unique.pk
        for unique, links in zip(made.uniques, made.links_of, strict=True)
        for li in links
    }
    posts: Counter[int] = Counter()
    image_posts: Counter[int] = Counter()
    triples: Counter[tuple[int, int]] = Counter()
    for post, links in zip(made.posts, made.carried, strict=True):
        minute = int(post.posted_at.timestamp()) // 60
        posts[minute] += 1
        image_posts[minute] += bool(links)
        triples.update((minute, pk) for pk in {unique_of[li.pk] for li in links if li.image_id})
    minutes, pairs = sorted(posts), sorted(triples)
    return {
        "post_minute": np.array(minutes, np.int32),
        "post_n": np.array([posts[m] for m in minutes], np.int32),
        "image_post_n": np.array([image_posts[m] for m in minutes], np.int32),
        "minute": np.array([m for m, _ in pairs], np.int32),
        "unique": np.array([u for _, u in pairs], np.int64),
        "n": np.array([triples[pair] for pair in pairs], np.int32),
    }

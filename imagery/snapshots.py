"""Reading and writing an event's snapshots, with a small cache in each process.

tree        unique int64 (n,) node → unique image id; u, v int32, d float32 (edges, by distance);
            thetas, n_groups, largest (the slider's plot); image int64 (n,), whose vectors they are,
            and made_by int64 (1,), what stands for how those were made
neighbours  unique int64 (n,); index int32 (n, k) into unique, −1 for none; distance float32 (n, k);
            image, made_by as above
timeline    post_minute int32 (minutes since 1970), post_n, image_post_n int32: selected posts;
            minute int32, unique int64, n int32: posts with that unique image in that minute
unique      id int64, n_posts int32, rank int32, first int64, last int64 (s since 1970), by rank;
            album_post, album_unique int64 (m,): pairs of posts that show several unique images;
            links_post, links_link int64 (k,): pairs of posts that show several links
doubtful    kind (index of imagery.doubts.KINDS), image, other (ids of images), bits, posts: int64
            (k,), by kind, then posts; n_found int64: how many of each kind there were
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

import numpy as np
from django.db import transaction

from imagery.core import arrays
from imagery.models import Event, Snapshot

Arrays = dict[str, np.ndarray]
EMPTY: dict[str, Arrays] = {
    Snapshot.Kind.TREE: {
        "unique": np.zeros(0, np.int64),
        "u": np.zeros(0, np.int32),
        "v": np.zeros(0, np.int32),
        "d": np.zeros(0, np.float32),
        "thetas": np.zeros(0, np.float32),
        "n_groups": np.zeros(0, np.int32),
        "largest": np.zeros(0, np.int32),
        "image": np.zeros(0, np.int64),
        "made_by": np.zeros(0, np.int64),
    },
    Snapshot.Kind.NEIGHBOURS: {
        "unique": np.zeros(0, np.int64),
        "index": np.zeros((0, 0), np.int32),
        "distance": np.zeros((0, 0), np.float32),
        "image": np.zeros(0, np.int64),
        "made_by": np.zeros(0, np.int64),
    },
    Snapshot.Kind.TIMELINE: {
        "post_minute": np.zeros(0, np.int32),
        "post_n": np.zeros(0, np.int32),
        "image_post_n": np.zeros(0, np.int32),
        "minute": np.zeros(0, np.int32),
        "unique": np.zeros(0, np.int64),
        "n": np.zeros(0, np.int32),
    },
    Snapshot.Kind.UNIQUE: {
        "id": np.zeros(0, np.int64),
        "n_posts": np.zeros(0, np.int32),
        "rank": np.zeros(0, np.int32),
        "first": np.zeros(0, np.int64),
        "last": np.zeros(0, np.int64),
        "album_post": np.zeros(0, np.int64),
        "album_unique": np.zeros(0, np.int64),
        "links_post": np.zeros(0, np.int64),
        "links_link": np.zeros(0, np.int64),
    },
    Snapshot.Kind.DOUBTFUL: {
        name: np.zeros(0, np.int64)
        for name in ("kind", "image", "other", "bits", "posts", "n_found")
    },
}
CACHED = 24
_cache: OrderedDict[tuple[int, str], tuple[tuple[int, str], Arrays]] = OrderedDict()
_lock = Lock()


def read(event: Event, kind: str) -> Arrays:
    """The event's arrays of that kind, empty ones where none were made. Read-only views."""
    return read_with_version(event, kind)[1]


def read_with_version(event: Event, kind: str) -> tuple[tuple[int, str], Arrays]:
    """Also (revision, digest of the inputs), which changes whenever the arrays do."""
    row = (
        Snapshot.objects.filter(event_id=event.pk, kind=kind)
        .values_list("pk", "revision", "inputs")
        .first()
    )
    if row is None:
        return (0, ""), EMPTY[kind]
    pk, version = row[0], (row[1], row[2])
    key = (event.pk, str(kind))
    with _lock:
        held = _cache.get(key)
        if held and held[0] == version:
            _cache.move_to_end(key)
            return held
    payload = Snapshot.objects.values_list("payload", flat=True).get(pk=pk)
    made = {**EMPTY[kind], **arrays.unpack(bytes(payload))}  # older ones may lack an array
    for array in made.values():
        array.setflags(write=False)
    with _lock:
        _cache[key] = (version, made)
        _cache.move_to_end(key)
        while len(_cache) > CACHED:
            _cache.popitem(last=False)
    return version, made


def inputs_of(event: Event, kind: str) -> str:
    """Digest of what the stored arrays were made from; empty where there are none."""
    found = Snapshot.objects.filter(event_id=event.pk, kind=kind).values_list("inputs", flat=True)
    return found.first() or ""


def write(event: Event, kind: str, made: Mapping[str, np.ndarray], inputs: str) -> None:
    """Store the arrays, whole: a reader finds these, or those that were there before."""
    payload = arrays.pack(made)
    with transaction.atomic():
        held = Snapshot.objects.select_for_update().filter(event=event, kind=kind)
        row = held.first() or Snapshot(event=event, kind=kind, revision=0)
        row.revision += 1
        row.inputs, row.payload = inputs, payload
        row.save()


def digest(*parts: bytes | str) -> str:
    """64 hex digits standing for the parts in their order."""
    made = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "little"))
        made.update(data)
    return made.hexdigest()

"""Groups of an event at any θ: a cut of its stored tree, and what each group counts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np

from imagery import snapshots
from imagery.models import Event, Snapshot


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups ranked by posts (then by lead's rank); group g's members are
    `members[start[g]:start[g + 1]]`, ids of unique images by rank; the first is its lead.

    A group's posts are the sum over its members (a post with two of them counts twice).
    """

    theta: float
    lead: np.ndarray  # int64 (g,)
    n_posts: np.ndarray  # int64 (g,)
    n_members: np.ndarray  # int64 (g,)
    best_rank: np.ndarray  # int64 (g,)
    worst_rank: np.ndarray  # int64 (g,)
    mean_rank: np.ndarray  # float64 (g,)
    first: np.ndarray  # int64 (g,) seconds since 1970
    last: np.ndarray  # int64 (g,)
    start: np.ndarray  # int64 (g + 1,)
    members: np.ndarray  # int64 (n,)

    def __len__(self) -> int:
        return len(self.lead)

    def members_of(self, position: int, limit: int | None = None) -> np.ndarray:
        stop = int(self.start[position + 1])
        begin = int(self.start[position])
        return self.members[begin : stop if limit is None else min(stop, begin + limit)]

    def position_with(self, unique_id: int) -> int | None:
        """Position of the group that holds the unique image; None where none does."""
        found = np.flatnonzero(self.members == unique_id)
        if not len(found):
            return None
        return int(np.searchsorted(self.start, found[0], side="right") - 1)


_cache: OrderedDict[tuple, Groups] = OrderedDict()
_lock = Lock()


def at(event: Event, theta: float | None = None) -> Groups:
    """Groups at similarity > theta (the event's own by default). Well under a second at 100,000."""
    theta = round(event.similarity if theta is None else theta, 4)
    tree_version, tree = snapshots.read_with_version(event, Snapshot.Kind.TREE)
    unique_version, unique = snapshots.read_with_version(event, Snapshot.Kind.UNIQUE)
    key = (event.pk, theta, tree_version, unique_version)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    made = grouped(unique, tree, theta)
    with _lock:
        _cache[key] = made
        while len(_cache) > 32:
            _cache.popitem(last=False)
    return made


def grouped(unique: snapshots.Arrays, tree: snapshots.Arrays, theta: float) -> Groups:
    """Cut the tree and count; unique images without a vector are groups of their own."""
    from imagery.core import linkage

    ids, n_posts, rank = unique["id"], unique["n_posts"].astype(np.int64), unique["rank"]
    n = len(ids)
    label = np.arange(n, dtype=np.int64) + len(tree["unique"])
    if len(tree["unique"]):
        labels = linkage.cut_edges(
            len(tree["unique"]), tree["u"], tree["v"], tree["d"], theta
        ).astype(np.int64)
        order = np.argsort(tree["unique"], kind="stable")
        at = np.searchsorted(tree["unique"][order], ids)
        at = np.minimum(at, len(order) - 1)
        known = tree["unique"][order][at] == ids
        label[known] = labels[order][at[known]]
    _, group = np.unique(label, return_inverse=True)
    n_groups = int(group.max()) + 1 if n else 0
    posts = np.bincount(group, weights=n_posts, minlength=n_groups).astype(np.int64)
    best = np.full(n_groups, np.iinfo(np.int64).max)
    np.minimum.at(best, group, rank)
    ranked = np.lexsort((best, -posts))  # position → group
    place = np.empty(n_groups, np.int64)
    place[ranked] = np.arange(n_groups)
    order = np.lexsort((rank, place[group]))  # members by place, then rank
    size = np.bincount(place[group], minlength=n_groups)
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    sorted_rank = rank[order].astype(np.int64)
    begin = start[:-1]
    return Groups(
        theta=theta,
        lead=ids[order][begin] if n else np.zeros(0, np.int64),
        n_posts=posts[ranked],
        n_members=size,
        best_rank=sorted_rank[begin] if n else np.zeros(0, np.int64),
        worst_rank=sorted_rank[start[1:] - 1] if n else np.zeros(0, np.int64),
        mean_rank=np.add.reduceat(sorted_rank, begin) / size if n else np.zeros(0),
        first=np.minimum.reduceat(unique["first"][order], begin) if n else np.zeros(0, np.int64),
        last=np.maximum.reduceat(unique["last"][order], begin) if n else np.zeros(0, np.int64),
        start=start,
        members=ids[order],
    )

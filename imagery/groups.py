"""Groups of an event at any θ: a cut of its stored tree, and what each group counts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np

from imagery import snapshots
from imagery.models import Event, Snapshot, UniqueImage


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups ranked by posts (then by lead's rank); group g's members are
    `members[start[g]:start[g + 1]]`, ids of unique images by rank; the first is its lead.

    A post that shows several members of a group counts once.
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


@dataclass(frozen=True, slots=True)
class Places:
    """Where unique images stand in the tree, and in albums; the same at every θ."""

    node: np.ndarray  # int64 (n,) tree node of each unique image, −1 where it stands alone
    album: np.ndarray  # int64 (m,) position of each album pair's unique image


_places: OrderedDict[tuple, Places] = OrderedDict()
_cache: OrderedDict[tuple, Groups] = OrderedDict()
_lock = Lock()


def at(event: Event, theta: float | None = None) -> Groups:
    """Groups at similarity > theta (the event's own by default). Well under a second at 100,000."""
    theta = round(event.similarity if theta is None else theta, 4)
    tree_version, tree = snapshots.read_with_version(event, Snapshot.Kind.TREE)
    unique_version, unique = snapshots.read_with_version(event, Snapshot.Kind.UNIQUE)
    apart = _apart(event)
    made_of = (event.pk, tree_version, unique_version, apart)
    with _lock:
        if (*made_of, theta) in _cache:
            _cache.move_to_end((*made_of, theta))
            return _cache[(*made_of, theta)]
        places = _places.get(made_of)
    places = places or placed(unique, tree, apart)
    made = grouped(unique, tree, theta, places)
    with _lock:
        _keep(_places, made_of, places, 8)
        _keep(_cache, (*made_of, theta), made, 32)
    return made


def _keep(cache: OrderedDict, key: tuple, value: object, most: int) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)


def _apart(event: Event) -> tuple[int, ...]:
    """Unique images that people moved out of their groups, also since the tree was made."""
    rows = UniqueImage.objects.filter(event_id=event.pk, apart=True)
    return tuple(rows.order_by("pk").values_list("pk", flat=True))


def placed(unique: snapshots.Arrays, tree: snapshots.Arrays, apart: tuple[int, ...] = ()) -> Places:
    """Those of `apart` are groups of their own, as those without a vector are."""
    node = _position(tree["unique"], unique["id"])
    if apart:
        node[np.isin(unique["id"], apart)] = -1
    return Places(node, _position(unique["id"], unique["album_unique"]))


def _position(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int64 (len(wanted),): where each stands in `ids`, −1 where it does not."""
    if not len(ids):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    found = order[at]
    return np.where(ids[found] == wanted, found, -1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Name:
    """What people called a group, through one of its members."""

    unique: int
    text: str


def names(event: Event, groups: Groups) -> dict[int, list[Name]]:
    """Position → names of the group's members, the most posted member's first, each text once.

    So a name stays with its picture whatever θ makes of the groups. Nameless ones are left out.
    """
    named = event.unique_images.exclude(name="").order_by("rank", "pk")
    found: dict[int, list[Name]] = {}
    for pk, text in named.values_list("pk", "name"):
        position = groups.position_with(pk)
        if position is not None and text not in (n.text for n in found.get(position, ())):
            found.setdefault(position, []).append(Name(pk, text))
    return found


def grouped(
    unique: snapshots.Arrays,
    tree: snapshots.Arrays,
    theta: float,
    places: Places | None = None,
) -> Groups:
    """Cut the tree and count; unique images without a vector are groups of their own."""
    places = places or placed(unique, tree)
    ids, rank = unique["id"], unique["rank"].astype(np.int64)
    group, first = _labels(places.node, tree, theta)
    n_groups = len(first)
    posts = np.bincount(group, weights=unique["n_posts"], minlength=n_groups).astype(np.int64)
    posts -= _counted_again(unique["album_post"], group[places.album], n_groups)
    ranked = np.lexsort((rank[first], -posts))  # position → group; unique images come by rank
    place = np.empty(n_groups, np.int64)
    place[ranked] = np.arange(n_groups)
    position = place[group]
    order = np.argsort(position, kind="stable")  # members by place, then rank
    size = np.bincount(position, minlength=n_groups)
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    begin, members, ranks = start[:-1], ids[order], rank[order]
    none = np.zeros(0, np.int64)
    return Groups(
        theta=theta,
        lead=members[begin],
        n_posts=posts[ranked],
        n_members=size,
        best_rank=ranks[begin],
        worst_rank=ranks[start[1:] - 1],
        mean_rank=np.add.reduceat(ranks, begin) / size if n_groups else np.zeros(0),
        first=np.minimum.reduceat(unique["first"][order], begin) if n_groups else none,
        last=np.maximum.reduceat(unique["last"][order], begin) if n_groups else none,
        start=start,
        members=members,
    )


def _labels(
    node: np.ndarray, tree: snapshots.Arrays, theta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Group of each unique image, int64 (n,), and the first image of each group."""
    from imagery.core import linkage

    n_nodes = len(tree["unique"])
    cut = linkage.cut_edges(n_nodes, tree["u"], tree["v"], tree["d"], theta)
    alone = n_nodes + np.arange(len(node), dtype=np.int64)
    label = np.where(node >= 0, cut[node], alone) if n_nodes else alone
    _, first, group = np.unique(label, return_index=True, return_inverse=True)
    return group, first


def _counted_again(post: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """(n_groups,) int64: by how much a sum over members counts a group's posts too often.

    post, group: (m,) of the pairs of posts that show several unique images.
    """
    pairs = np.stack([post, group], axis=1)
    again = np.ones(len(pairs), bool)
    if len(pairs):
        again[np.unique(pairs, axis=0, return_index=True)[1]] = False
    return np.bincount(group[again], minlength=n_groups).astype(np.int64)

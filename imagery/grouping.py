"""Unique images → the tree from which groups at any θ are cut (A4), and nearest neighbours.

Those that people moved out of their groups are not in the tree: what was together only through
them parts too. Where most vectors were there the last time, only what changed is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from imagery import snapshots
from imagery.models import Event, Snapshot, Vector

if TYPE_CHECKING:
    from imagery.core.linkage import Tree

NEIGHBOURS = 16
FORMAT = "tree-1"
MOST_NEW = 1 / 6  # share of the vectors above which all are taken anew


@dataclass(frozen=True, slots=True)
class Nodes:
    """Unique images in the order of their files' SHA-256.

    ids, images (the representatives): int64 (n,); vectors: float32 (n, d); apart: bool (n,), moved
    out of their groups. made_by: int64 (1,), a digest of how vectors and tree are made.
    """

    ids: np.ndarray
    images: np.ndarray
    vectors: np.ndarray
    apart: np.ndarray
    made_by: np.ndarray
    digest: str

    def those(self, which: np.ndarray) -> Nodes:
        return Nodes(
            self.ids[which],
            self.images[which],
            self.vectors[which] if not which.all() else self.vectors,
            self.apart[which],
            self.made_by,
            self.digest,
        )


def run(event: Event) -> int:
    """Make the event's tree and neighbours, unless its inputs are unchanged. Returns nodes."""
    from imagery.core import linkage

    nodes = _nodes(event)
    if snapshots.inputs_of(event, Snapshot.Kind.TREE) == nodes.digest:
        return len(nodes.ids)
    together = nodes.those(~nodes.apart)
    tree = _tree(together, snapshots.read(event, Snapshot.Kind.TREE))
    thetas, n_groups, largest = linkage.profile(tree)
    index, distance = _neighbours(nodes, snapshots.read(event, Snapshot.Kind.NEIGHBOURS))
    near = {
        "unique": nodes.ids,
        "image": nodes.images,
        "made_by": nodes.made_by,
        "index": index,
        "distance": distance,
    }
    made = {
        "unique": together.ids,
        "image": together.images,
        "made_by": nodes.made_by,
        "u": tree.u,
        "v": tree.v,
        "d": tree.d,
        "thetas": thetas,
        "n_groups": n_groups,
        "largest": largest,
    }
    with transaction.atomic():
        snapshots.write(event, Snapshot.Kind.NEIGHBOURS, near, nodes.digest)
        snapshots.write(event, Snapshot.Kind.TREE, made, nodes.digest)
    return len(nodes.ids)


def _nodes(event: Event) -> Nodes:
    rows = list(
        Vector.objects.filter(
            image__represents__event=event,
            layer=event.descriptor,
            embedder=event.embedder,
        )
        .order_by("image__sha256")
        .values_list(
            "image__represents__pk",
            "image_id",
            "image__sha256",
            "values",
            "image__represents__apart",
        )
        .iterator(2000)
    )
    ids = np.array([row[0] for row in rows], np.int64)
    packed = b"".join(bytes(row[3]) for row in rows)
    vectors = np.frombuffer(packed, "<f2").astype(np.float32)
    vectors = vectors.reshape(len(rows), -1) if rows else np.zeros((0, 1), np.float32)
    apart = np.array([row[4] for row in rows], bool)
    how = (FORMAT, event.descriptor, event.embedder)
    shas = "".join(row[2] for row in rows)
    return Nodes(
        ids=ids,
        images=np.array([row[1] for row in rows], np.int64),
        vectors=vectors,
        apart=apart,
        made_by=np.array([int(snapshots.digest(*how)[:15], 16)]),
        digest=snapshots.digest(*how, ids.tobytes(), shas, apart.tobytes()),
    )


def _places(nodes: Nodes, held: snapshots.Arrays) -> np.ndarray | None:
    """Where each of the held nodes stands now, −1 where it does not: (m,) int64. None where so
    little of them is there that all is made anew.

    An image's vector never changes, so nodes are told by their images.
    """
    if len(held["image"]) != len(held["unique"]) or held["made_by"].tolist() != (
        nodes.made_by.tolist()
    ):
        return None
    order = np.argsort(nodes.images, kind="stable")
    at = np.searchsorted(nodes.images, held["image"], sorter=order)
    at = order[np.minimum(at, len(order) - 1)] if len(order) else np.full(len(at), -1)
    there = nodes.images[at] == held["image"] if len(order) else np.zeros(len(at), bool)
    if there.sum() < max(2, (1 - MOST_NEW) * len(nodes.ids)):
        return None
    return np.where(there, at, -1)


def _tree(nodes: Nodes, held: snapshots.Arrays) -> Tree:
    from imagery.core import growing, linkage

    place = _places(nodes, held)
    if place is not None:
        u, v = place[held["u"]], place[held["v"]]
        kept = (u >= 0) & (v >= 0)
        u, v = np.minimum(u, v)[kept], np.maximum(u, v)[kept]
        edges = u, v, held["d"][kept]
        if growing.outside(len(nodes.ids), edges).mean() <= MOST_NEW:
            return growing.tree(nodes.vectors, edges)
    return linkage.minimum_spanning_tree(nodes.vectors)


def _neighbours(nodes: Nodes, held: snapshots.Arrays) -> tuple[np.ndarray, np.ndarray]:
    from imagery.core import growing, neighbours

    place = _places(nodes, held)
    if place is None or held["index"].shape[1] != NEIGHBOURS:
        return neighbours.knn(nodes.vectors, NEIGHBOURS)
    there = place >= 0
    # A row that lost a neighbour is looked through anew, as the new ones are.
    named = np.where(held["index"] >= 0, place[held["index"]], -1)
    whole = there & ((held["index"] < 0) | (named >= 0)).all(axis=1)
    index = np.full((len(nodes.ids), NEIGHBOURS), -1, np.int32)
    distance = np.full((len(nodes.ids), NEIGHBOURS), np.inf, np.float32)
    index[place[whole]], distance[place[whole]] = named[whole], held["distance"][whole]
    added = np.ones(len(nodes.ids), bool)
    added[place[there]] = False
    return growing.neighbours(nodes.vectors, index, distance, added)

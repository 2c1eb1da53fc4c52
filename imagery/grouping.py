"""Unique images → the tree from which groups at any θ are cut (A4), and nearest neighbours.

Those that people moved out of their groups are not in the tree: what was together only through
them parts too.
"""

from __future__ import annotations

import numpy as np
from django.db import transaction

from imagery import snapshots
from imagery.models import Event, Snapshot, Vector

NEIGHBOURS = 16
FORMAT = "tree-1"


def run(event: Event) -> int:
    """Make the event's tree and neighbours, unless its inputs are unchanged. Returns nodes."""
    from imagery.core import linkage, neighbours

    ids, vectors, apart, digest = _vectors(event)
    if snapshots.inputs_of(event, Snapshot.Kind.TREE) == digest:
        return len(ids)
    tree = linkage.minimum_spanning_tree(vectors[~apart] if apart.any() else vectors)
    thetas, n_groups, largest = linkage.profile(tree)
    index, distance = neighbours.knn(vectors, NEIGHBOURS)
    near = {"unique": ids, "index": index, "distance": distance}
    made = {
        "unique": ids[~apart],
        "u": tree.u,
        "v": tree.v,
        "d": tree.d,
        "thetas": thetas,
        "n_groups": n_groups,
        "largest": largest,
    }
    with transaction.atomic():
        snapshots.write(event, Snapshot.Kind.NEIGHBOURS, near, digest)
        snapshots.write(event, Snapshot.Kind.TREE, made, digest)
    return len(ids)


def _vectors(event: Event) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """(unique ids int64 (n,), vectors float32 (n, d), which were moved out of their groups bool
    (n,), digest), by their file's SHA-256."""
    rows = list(
        Vector.objects.filter(
            image__represents__event=event,
            layer=event.descriptor,
            embedder=event.embedder,
        )
        .order_by("image__sha256")
        .values_list("image__represents__pk", "image__sha256", "values", "image__represents__apart")
        .iterator(2000)
    )
    ids = np.array([row[0] for row in rows], np.int64)
    packed = b"".join(bytes(row[2]) for row in rows)
    vectors = np.frombuffer(packed, "<f2").astype(np.float32)
    vectors = vectors.reshape(len(rows), -1) if rows else np.zeros((0, 1), np.float32)
    apart = np.array([row[3] for row in rows], bool)
    digest = snapshots.digest(
        FORMAT,
        event.descriptor,
        event.embedder,
        ids.tobytes(),
        "".join(row[1] for row in rows),
        apart.tobytes(),
    )
    return ids, vectors, apart, digest

"""Groups at any θ: a hand-worked cut, and brute force against scipy's single linkage."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from imagery import groups, snapshots
from imagery.models import Snapshot
from tests import factories


def _unique(ids, posts, ranks, albums=()):
    return {
        "id": np.array(ids, np.int64),
        "n_posts": np.array(posts, np.int32),
        "rank": np.array(ranks, np.int32),
        "first": np.array(ids, np.int64) * 100,
        "last": np.array(ids, np.int64) * 100 + 50,
        "album_post": np.array([post for post, _ in albums], np.int64),
        "album_unique": np.array([unique for _, unique in albums], np.int64),
    }


def _tree(ids, edges):
    u, v, d = zip(*edges, strict=True) if edges else ((), (), ())
    return {
        "unique": np.array(ids, np.int64),
        "u": np.array(u, np.int32),
        "v": np.array(v, np.int32),
        "d": np.array(d, np.float32),
    }


# 11 –0.1– 12 –0.25– 13 –1.0– 14; 15 has no vector.
UNIQUE = _unique([14, 11, 13, 12, 15], [50, 20, 15, 10, 5], [1, 2, 3, 4, 5])
TREE = _tree([11, 12, 13, 14], [(0, 1, 0.1), (1, 2, 0.25), (2, 3, 1.0)])


def test_a_cut_worked_by_hand():
    found = groups.grouped(UNIQUE, TREE, 0.75)
    assert [found.members_of(i).tolist() for i in range(len(found))] == [[14], [11, 13, 12], [15]]
    assert found.lead.tolist() == [14, 11, 15]
    assert found.n_posts.tolist() == [50, 45, 5]
    assert found.n_members.tolist() == [1, 3, 1]
    assert found.best_rank.tolist() == [1, 2, 5]
    assert found.worst_rank.tolist() == [1, 4, 5]
    assert found.mean_rank.tolist() == [1.0, 3.0, 5.0]
    assert found.first.tolist() == [1400, 1100, 1500]
    assert found.last.tolist() == [1450, 1350, 1550]


def test_a_post_of_several_members_counts_once():
    """Post 7 shows 11, 13 and 14; post 8 shows 11 and 12; post 9 shows 14 and 15."""
    albums = [(7, 11), (7, 13), (7, 14), (8, 11), (8, 12), (9, 14), (9, 15)]
    unique = _unique([14, 11, 13, 12, 15], [50, 20, 15, 10, 5], [1, 2, 3, 4, 5], albums)
    apart = groups.grouped(unique, TREE, 1.0)
    assert dict(zip(apart.lead, apart.n_posts, strict=True))[11] == 20
    joined = groups.grouped(unique, TREE, 0.75)
    assert dict(zip(joined.lead, joined.n_posts, strict=True)) == {14: 50, 11: 43, 15: 5}
    whole = groups.grouped(unique, TREE, 0.45)
    assert dict(zip(whole.lead, whole.n_posts, strict=True)) == {14: 92, 15: 5}


def test_similarity_must_be_above_theta():
    """1 / (1 + 0.25) is 0.8 exactly: not above 0.8."""
    assert len(groups.grouped(UNIQUE, TREE, 0.8)) == 4
    assert len(groups.grouped(UNIQUE, TREE, 0.7999)) == 3
    assert len(groups.grouped(UNIQUE, TREE, 1.0)) == 5
    assert len(groups.grouped(UNIQUE, TREE, 0.45)) == 2


def test_members_can_be_limited_and_found():
    found = groups.grouped(UNIQUE, TREE, 0.75)
    assert found.members_of(1, 2).tolist() == [11, 13]
    assert [found.position_with(pk) for pk in (14, 12, 15, 99)] == [0, 1, 2, None]


def test_equal_posts_rank_by_their_lead():
    unique = _unique([2, 1], [5, 5], [1, 2])
    assert groups.grouped(unique, _tree([1, 2], []), 0.8).lead.tolist() == [2, 1]


def test_an_empty_event_has_no_groups():
    empty = groups.grouped(
        snapshots.EMPTY[Snapshot.Kind.UNIQUE], snapshots.EMPTY[Snapshot.Kind.TREE], 0.8
    )
    assert len(empty) == 0
    assert empty.start.tolist() == [0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("theta", [0.5, 0.7, 0.8, 0.9])
def test_any_cut_is_single_linkage(seed, theta):
    from imagery.core import linkage as core_linkage

    rng = np.random.default_rng(seed)
    n = 60
    vectors = rng.normal(size=(n, 3)).astype(np.float32) * 0.4
    tree = core_linkage.minimum_spanning_tree(vectors)
    ids = rng.permutation(n).astype(np.int64) + 1000
    posts = np.sort(rng.integers(1, 50, n))[::-1]
    unique = _unique(rng.permutation(ids), posts, np.arange(1, n + 1))
    made = {"unique": ids, "u": tree.u, "v": tree.v, "d": tree.d}
    found = groups.grouped(unique, made, theta)
    label = fcluster(linkage(vectors, "single"), 1 / theta - 1, "distance")
    want = {frozenset(ids[label == one].tolist()) for one in np.unique(label)}
    got = [found.members_of(i).tolist() for i in range(len(found))]
    assert {frozenset(members) for members in got} == want
    count = dict(zip(unique["id"].tolist(), posts.tolist(), strict=True))
    rank = dict(zip(unique["id"].tolist(), unique["rank"].tolist(), strict=True))
    assert found.n_posts.tolist() == [sum(count[pk] for pk in members) for members in got]
    assert found.n_posts.tolist() == sorted(found.n_posts.tolist(), reverse=True)
    assert all(members == sorted(members, key=rank.__getitem__) for members in got)


@pytest.mark.django_db
def test_the_events_own_theta_is_the_default(event):
    made = factories.organised(event, 12)
    assert len(groups.at(made)) == made.n_groups == 4
    assert groups.at(made).theta == made.similarity
    assert len(groups.at(made, 0.99)) == 12


@pytest.mark.django_db
def test_new_arrays_give_new_groups(event):
    made = factories.organised(event, 6)
    assert len(groups.at(made)) == 2
    unique = dict(snapshots.read(made, Snapshot.Kind.UNIQUE))
    snapshots.write(made, Snapshot.Kind.UNIQUE, {k: v[:3] for k, v in unique.items()}, "changed")
    assert sum(groups.at(made).n_members) == 3

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagery.core.uniqueness import assign


def flipped(base: np.ndarray, *bits: int) -> np.ndarray:
    """A copy of (8,) uint8 with the named bits (0–63) turned."""
    unpacked = np.unpackbits(base)
    unpacked[list(bits)] ^= 1
    return np.packbits(unpacked)


ZERO = np.zeros(8, np.uint8)


def clustered(rng: np.random.Generator, n: int, n_centres: int, most: int = 12) -> np.ndarray:
    """(n, 8) uint8 scattered up to most - 1 bits around random centres."""
    centres = rng.integers(0, 256, (n_centres, 8), np.uint8)
    bits = np.unpackbits(centres[rng.integers(0, n_centres, n)], axis=1)
    turn = rng.random(bits.shape).argsort(axis=1) < rng.integers(0, most, n)[:, None]
    return np.packbits(bits ^ turn, axis=1)


def reference(
    hashes: np.ndarray,
    threshold: int,
    must: Sequence[tuple[int, int]] = (),
    cannot: Sequence[tuple[int, int]] = (),
) -> list[int]:
    """The rule as written, image by image, with sets as Python sets."""
    n = len(hashes)
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=-1)
    bonds = [{i} for i in range(n)]

    def bond(i: int) -> set[int]:
        return next(b for b in bonds if i in b)

    def apart(these: set[int], those: set[int]) -> bool:
        return any((a in these and b in those) or (b in these and a in those) for a, b in cannot)

    for a, b in must:
        one, other = bond(a), bond(b)
        if one is not other and not apart(one, other):
            bonds.remove(other)
            one |= other
    decided = {i for pair in (*must, *cannot) for i in pair}
    anchors: list[int] = []
    sets: list[set[int]] = []
    seen: dict[bytes, int] = {}

    def reach(members: set[int]) -> set[int]:
        return set().union(*(bond(i) for i in members)) if members else set()

    anchor_of: dict[int, int] = {}
    refused: dict[int, list[int]] = {}
    for i in range(n):
        key = hashes[i].tobytes()
        near = sorted((bits[i, a], a) for a in anchors if bits[i, a] < threshold)
        if i not in decided:
            if key in seen:
                home = anchor_of[seen[key]]
            else:
                seen[key] = i
                home = near[0][1] if near else i
        else:
            own = next((s for s in sets if s & bond(i)), set())
            home = i
            for _, a in near:
                target = next(s for s in sets if a in s)
                if target is own or not apart(reach(own) | bond(i), reach(target)):
                    home = a
                    break
            else:
                refused[i] = [a for _, a in near]
        anchor_of[i] = home
        if home == i:
            anchors.append(i)
            sets.append({i})
        target = next(s for s in sets if home in s)
        target.add(i)
        if i in decided:
            for other in [s for s in sets if s is not target and s & bond(i)]:
                sets.remove(other)
                target |= other
    for i, others in refused.items():
        for j in set(range(n)) - decided:
            at = anchor_of[j]
            if at in others and bits[j, i] < bits[j, at]:
                next(s for s in sets if at in s).remove(j)
                next(s for s in sets if i in s).add(j)
                anchor_of[j] = i
    return [min(next(s for s in sets if i in s)) for i in range(n)]


def test_joins_below_the_threshold_and_not_at_it():
    hashes = np.stack([ZERO, flipped(ZERO, *range(7)), flipped(ZERO, *range(20, 28))])
    found = assign(hashes, 8)
    assert found.representative.tolist() == [0, 0, 2]
    assert found.distance.tolist() == [0, 7, 0]


def test_sets_do_not_chain():
    hashes = np.stack([flipped(ZERO, *range(5 * i)) for i in range(5)])
    found = assign(hashes, 8)
    assert found.representative.tolist() == [0, 0, 2, 2, 4]
    assert found.distance.max() < 8


def test_joins_the_nearest_and_of_equally_near_the_earliest():
    left, right = ZERO, flipped(ZERO, *range(8))
    nearer_right, middle = flipped(ZERO, *range(5)), flipped(ZERO, *range(4))
    found = assign(np.stack([left, right, nearer_right, middle]), 8)
    assert found.representative.tolist() == [0, 1, 1, 0]


def test_a_copy_follows_the_first_image_of_its_hash():
    """Even past a nearer representative that came in between."""
    hash_ = flipped(ZERO, *range(6))
    later = flipped(ZERO, *range(9))
    found = assign(np.stack([ZERO, hash_, later, hash_]), 8)
    assert found.representative.tolist() == [0, 0, 2, 0]


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_rule_as_written(seed: int):
    rng = np.random.default_rng(seed)
    hashes = clustered(rng, 250, 12)
    threshold = int(rng.integers(1, 14))
    assert assign(hashes, threshold).representative.tolist() == reference(hashes, threshold)


def test_agrees_with_the_rule_across_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imagery.core.uniqueness.BLOCK", 7)
    hashes = clustered(np.random.default_rng(1), 200, 6)
    assert assign(hashes, 8).representative.tolist() == reference(hashes, 8)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_decisions_agree_with_the_rule_as_written(data: st.DataObject):
    n = data.draw(st.integers(2, 25))
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    must = data.draw(st.lists(pair, max_size=6))
    cannot = data.draw(st.lists(pair.filter(lambda p: p[0] != p[1]), max_size=6))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    hashes = clustered(rng, n, 3)
    found = assign(hashes, 8, must=must, cannot=cannot)
    assert found.representative.tolist() == reference(hashes, 8, must, cannot)
    together = found.representative
    unmet = {tuple(p) for p in found.unmet.tolist()}
    assert all(together[a] != together[b] for a, b in cannot)
    assert all(together[a] == together[b] for a, b in must if (a, b) not in unmet)
    assert (together <= np.arange(n)).all()
    assert (together[together] == together).all()


def test_order_of_arrival_does_not_matter():
    rng = np.random.default_rng(3)
    hashes = clustered(rng, 400, 15)
    posted = rng.permutation(400)
    straight = assign(hashes[np.argsort(posted)], 8).representative
    shuffle = rng.permutation(400)
    again = assign(hashes[shuffle][np.argsort(posted[shuffle])], 8).representative
    assert straight.tolist() == again.tolist()


def test_later_images_do_not_move_earlier_ones():
    hashes = clustered(np.random.default_rng(4), 400, 15)
    whole = assign(hashes, 8).representative
    assert assign(hashes[:250], 8).representative.tolist() == whole[:250].tolist()


def test_people_join_what_is_far_apart_with_all_their_sets():
    near_a, far, near_far = flipped(ZERO, 1), flipped(ZERO, *range(30)), flipped(ZERO, *range(31))
    hashes = np.stack([ZERO, near_a, far, near_far])
    found = assign(hashes, 8, must=[(1, 3)])
    assert found.representative.tolist() == [0, 0, 0, 0]
    assert found.distance.tolist() == [0, 1, 30, 31]


def test_people_part_what_is_near():
    hashes = np.stack([ZERO, flipped(ZERO, 1), flipped(ZERO, 1, 2)])
    found = assign(hashes, 8, cannot=[(0, 1)])
    assert found.representative.tolist() == [0, 1, 1]


def test_what_people_part_takes_along_what_is_nearer_to_it():
    """Earlier ones too, those of its own hash foremost; decided ones stay."""
    parted = flipped(ZERO, *range(6))
    hashes = np.stack([ZERO, parted, flipped(parted, 60), flipped(ZERO, 1, 2), parted])
    found = assign(hashes, 8, cannot=[(0, 4)])
    assert found.representative.tolist() == [0, 1, 1, 0, 1]
    assert found.distance.tolist() == [0, 0, 1, 2, 0]
    assert assign(hashes, 8, cannot=[(0, 4)], must=[(0, 2)]).representative.tolist() == [
        0, 1, 0, 0, 1,
    ]  # fmt: skip


def test_not_the_same_wins_over_a_chain_of_same():
    hashes = np.stack([flipped(ZERO, *range(20 * i)) for i in range(3)])
    found = assign(hashes, 8, must=[(0, 1), (1, 2)], cannot=[(0, 2)])
    assert found.representative.tolist() == [0, 0, 2]
    assert found.unmet.tolist() == [[1, 2]]


def test_flat_pictures_match_by_colour_and_never_a_textured_one():
    hashes = np.stack([ZERO] * 5)
    flat = np.array([False, True, True, True, False])
    signatures = np.zeros((5, 192), np.uint8)
    signatures[1], signatures[2], signatures[3] = 200, 206, 213
    found = assign(hashes, 8, flat=flat, signatures=signatures)
    assert found.representative.tolist() == [0, 1, 1, 3, 0]
    assert found.distance.tolist() == [0, 0, 6, 0, 0]


def test_flat_pictures_join_the_nearest_colour_whatever_their_hash():
    hashes = np.stack([ZERO, np.full(8, 255, np.uint8), flipped(ZERO, 3)])
    signatures = np.stack([np.full(192, v, np.uint8) for v in (100, 110, 105)])
    found = assign(hashes, 8, flat=np.ones(3, bool), signatures=signatures)
    assert found.representative.tolist() == [0, 1, 0]
    assert (
        assign(hashes, 8, flat=np.ones(3, bool), signatures=signatures[[0, 2, 1]])
        .distance[1]
        .tolist()
        == 5
    )


def test_flat_pictures_need_signatures():
    with pytest.raises(ValueError, match="signature"):
        assign(np.stack([ZERO]), flat=np.array([True]))


def test_bad_pairs_and_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(0, 5\)"):
        assign(np.stack([ZERO]), must=[(0, 5)])
    with pytest.raises(ValueError, match="from itself"):
        assign(np.stack([ZERO]), cannot=[(0, 0)])
    with pytest.raises(ValueError, match="float64"):
        assign(np.zeros((2, 8)))


def test_nothing_gives_nothing():
    found = assign(np.zeros((0, 8), np.uint8))
    assert len(found.representative) == len(found.distance) == len(found.unmet) == 0


def test_ten_thousand_copies_are_one_set_at_once():
    hashes = clustered(np.random.default_rng(5), 14_000, 3_000)
    hashes[2_000:12_000] = hashes[0]
    begun = time.perf_counter()
    found = assign(hashes, 8)
    assert (found.representative[2_000:12_000] == found.representative[0]).all()
    assert time.perf_counter() - begun < 20

import numpy as np

from imagery.core import feature_codes, feature_index, features
from imagery.core.edits import apply
from imagery.core.feature_codes import ROW, rows_of
from imagery.core.feature_index import FeatureIndex
from tests.photographs import NAMES, photograph


def described(pixels: np.ndarray) -> features.Features:
    return features.extract(features.view_of(pixels).mean(axis=2).astype(np.uint8))


def search(index: FeatureIndex, *queries: features.Features, most: int = 40):
    return index.search(
        [rows_of(q) for q in queries], [rows_of(q.mirrored()) for q in queries], most
    )


def test_codes_put_the_word_first_and_take_the_same_bits_for_the_same_features():
    found = described(photograph("coffee"))
    codes = feature_codes.codes(found)
    assert codes.dtype == np.uint64 and len(codes) == len(found)
    bits = np.array(
        [[code >> np.uint64(63 - k) & np.uint64(1) for k in range(64)] for code in codes]
    )
    assert 0.2 < bits.mean() < 0.8  # signs about their medians
    again = feature_codes.codes(features.unpack(features.pack(found)))
    assert (codes == again).all()


def test_rows_are_the_largest_features():
    found = described(photograph("astronaut"))
    rows = rows_of(found)
    assert rows.dtype == ROW and len(rows) == min(len(found), feature_codes.INDEXED)
    assert (np.diff(rows["size"].astype(int)) <= 0).all()


def test_versions_are_found_among_other_pictures_and_told_mirrored():
    rng = np.random.default_rng(5)
    index = FeatureIndex([rows_of(described(photograph(name))) for name in NAMES])
    for kind in ("crop15", "border", "caption", "screenshot", "sepia", "mirror"):
        found = search(index, described(apply(kind, photograph("chelsea"), rng)))
        assert found.owner[0] == NAMES.index("chelsea"), kind
        assert found.mirrored[0] == (kind == "mirror"), kind
        assert set(found.owner.tolist()) <= {2}, kind


def test_a_query_finds_itself_with_all_its_features():
    found = described(photograph("rocket"))
    index = FeatureIndex([rows_of(found)])
    itself = search(index, found)
    assert itself.owner.tolist() == [0] and itself.votes[0] >= 0.9 * len(rows_of(found))


def test_parts_give_what_one_search_gives(monkeypatch):
    views = [described(photograph(name)) for name in NAMES]
    index = FeatureIndex([rows_of(view) for view in views])
    whole = search(index, *views)
    monkeypatch.setattr(feature_index, "_AT_ONCE", 50)
    parts = search(index, *views)
    for name in ("query", "owner", "votes", "mirrored"):
        assert (getattr(whole, name) == getattr(parts, name)).all()


def test_as_many_as_asked_for():
    view = described(photograph("coffee"))
    index = FeatureIndex([rows_of(view)] * 5)
    found = search(index, view, view, most=3)
    assert found.query.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.owner.tolist() == [0, 1, 2] * 2


def test_nothing_in_nothing():
    empty = np.zeros(0, ROW)
    assert len(FeatureIndex([]).search([empty], [empty]).owner) == 0
    assert len(FeatureIndex([empty, empty]).search([], []).owner) == 0
    view = described(photograph("coffee"))
    assert len(search(FeatureIndex([empty]), view).owner) == 0


def test_pairs_are_those_that_brute_force_finds():
    rng = np.random.default_rng(3)
    pictures = []
    for _ in range(4):
        rows = np.zeros(60, ROW)
        words = rng.integers(0, 6, 60).astype(np.uint64) << np.uint64(44)
        rows["code"] = words | rng.integers(0, 2**12, 60).astype(np.uint64)
        pictures.append(rows)
    index = FeatureIndex(pictures)
    got = sum(len(entry) for _, _, entry, _ in index._pairs(pictures))
    every = np.concatenate(pictures)["code"]
    differ = np.bitwise_count(every[:, None] ^ every[None])
    same_word = (every[:, None] >> np.uint64(44)) == (every[None] >> np.uint64(44))
    assert got == (same_word & (differ <= feature_index.NEAR_BITS)).sum()

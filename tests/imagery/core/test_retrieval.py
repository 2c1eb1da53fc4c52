from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from imagery.core.retrieval import average_precision, interval, score


def ranked(belongs: list[int]) -> tuple[float, float]:
    """By the definitions, for a ranking without ties: belongs[i] says whether place i does."""
    found, plain, trapezoid = 0, 0.0, 0.0
    for place, one in enumerate(belongs):
        if one:
            left = found / place if place else 1.0
            found += 1
            plain += found / (place + 1)
            trapezoid += (left + found / (place + 1)) / 2
    return plain / found, trapezoid / found


def of(belongs: list[int], distances: list[float]) -> tuple[float, float]:
    away = np.array(distances, np.float32)
    return average_precision(away[np.array(belongs, bool)], away)


def test_by_hand() -> None:
    # Right at places 1 and 3: precision 1 and 2/3; trapezoids (1 + 1)/2 and (1/2 + 2/3)/2.
    plain, trapezoid = of([1, 0, 1, 0], [1, 2, 3, 4])
    assert plain == pytest.approx((1 + 2 / 3) / 2)
    assert trapezoid == pytest.approx((1 + 7 / 12) / 2)


def test_a_lone_hit_at_the_end() -> None:
    plain, trapezoid = of([0, 0, 0, 1], [1, 2, 3, 4])
    assert plain == pytest.approx(1 / 4)
    assert trapezoid == pytest.approx(1 / 8)


def test_all_right_is_one() -> None:
    assert of([1, 1, 0], [1, 2, 3]) == pytest.approx((1, 1))
    assert of([1, 1], [5, 5]) == pytest.approx((1, 1))


def test_two_tied_count_half_each_way() -> None:
    plain, trapezoid = of([1, 0], [7, 7])
    assert plain == pytest.approx((1 + 1 / 2) / 2)
    assert trapezoid == pytest.approx((1 + 1 / 4) / 2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=1, max_size=7))
def test_ties_are_the_mean_of_all_their_orders(places: list[tuple[bool, int]]) -> None:
    belongs = [int(right) for right, _ in places]
    if not any(belongs):
        belongs[0] = 1
    distances = [away for _, away in places]
    every = [
        ranked([belongs[i] for i in order])
        for order in permutations(range(len(places)))
        if all(distances[a] <= distances[b] for a, b in pairwise(order))
    ]
    assert of(belongs, distances) == pytest.approx(tuple(np.mean(every, axis=0)))


@pytest.mark.parametrize("seed", range(5))
def test_plain_is_what_scikit_learn_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    belongs = rng.random(200) < 0.1
    away = rng.permutation(200).astype(np.float32)
    plain, trapezoid = average_precision(away[belongs], away)
    assert plain == pytest.approx(average_precision_score(belongs, -away))
    order = np.argsort(away)
    assert (plain, trapezoid) == pytest.approx(ranked(belongs[order].astype(int).tolist()))


def brute(away: np.ndarray, groups: np.ndarray, query: int) -> tuple[float, float]:
    order = [int(i) for i in np.argsort(away, kind="stable") if i != query]
    return ranked([int(groups[i] == groups[query]) for i in order])


@pytest.mark.parametrize("held", [1, 100, 8_000_000])
def test_scores_against_brute_force_in_blocks_of_any_size(held: int, monkeypatch) -> None:
    monkeypatch.setattr("imagery.core.retrieval._HELD", held)
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    groups = np.repeat(np.arange(10), 4)
    queries = np.arange(1, 40, 3)
    found = score(vectors, groups, queries)
    for at, query in enumerate(queries):
        away = np.linalg.norm(vectors.astype(np.float64) - vectors[query], axis=1)
        want = brute(away, groups, int(query))
        assert (found.plain[at], found.trapezoid[at]) == pytest.approx(want)


def test_hashes_by_hamming_distance() -> None:
    hashes = np.array([[0], [0b1], [0b11], [0b111]], np.uint8)
    groups = np.array([0, 1, 0, 1])
    found = score(hashes, groups, np.array([0, 3]), "hamming")
    assert found.plain.tolist() == pytest.approx([1 / 2, 1 / 2])
    assert found.trapezoid.tolist() == pytest.approx([1 / 4, 1 / 4])


def test_copies_of_the_query_tie_wherever_they_stand() -> None:
    rng = np.random.default_rng(0)
    row = rng.random(1000).astype(np.float32) * 1e3
    vectors = np.stack([row, row, row, rng.random(1000).astype(np.float32)])
    found = score(vectors, np.array([0, 1, 0, 2]), np.array([0, 2]))
    assert found.plain.tolist() == [0.75, 0.75]


def test_a_query_without_company_is_an_error() -> None:
    with pytest.raises(ValueError, match="row 2"):
        score(np.zeros((3, 2), np.float32), np.array([0, 0, 1]), np.array([0, 2]))


@pytest.mark.parametrize(
    ("vectors", "groups", "metric"),
    [
        (np.zeros((2, 2), np.float32), np.zeros(3, int), "euclidean"),
        (np.zeros((2, 2), np.float32), np.zeros(2), "euclidean"),
        (np.zeros((2, 2), np.float32), np.zeros(2, int), "hamming"),
        (np.zeros((2, 2), np.float32), np.zeros(2, int), "manhattan"),
        (np.full((2, 2), np.nan, np.float32), np.zeros(2, int), "euclidean"),
    ],
)
def test_other_arrays_are_refused(vectors: np.ndarray, groups: np.ndarray, metric: str) -> None:
    with pytest.raises(ValueError):
        score(vectors, groups, np.array([0]), metric)


def test_an_infinite_distance_is_no_place() -> None:
    with pytest.raises(ValueError, match="finite"):
        average_precision(np.array([np.inf]), np.array([1.0, np.inf]))


def test_interval_holds_the_mean_and_narrows() -> None:
    rng = np.random.default_rng(1)
    few, many = rng.random(20), rng.random(2000)
    low, high = interval(few, np.arange(20), np.random.default_rng(0))
    assert low < few.mean() < high
    low_many, high_many = interval(many, np.arange(2000), np.random.default_rng(0))
    assert low_many < many.mean() < high_many
    # A mean of n draws from 0…1 errs by 1.96 · 0.289 / √n.
    assert high_many - low_many == pytest.approx(2 * 1.96 * many.std() / 2000**0.5, rel=0.1)
    assert high - low > 5 * (high_many - low_many)


def test_interval_draws_whole_groups() -> None:
    scores = np.repeat([0.0, 1.0] * 8, 50)
    low, high = interval(scores, np.repeat(np.arange(16), 50), np.random.default_rng(0))
    one_by_one = interval(scores, np.arange(800), np.random.default_rng(0))
    assert high - low > 4 * (one_by_one[1] - one_by_one[0])


def test_interval_of_one_group_is_unknown_and_of_equals_is_a_point() -> None:
    rng = np.random.default_rng(0)
    assert interval(np.array([0.2, 0.4]), np.array([1, 1]), rng) is None
    assert interval(np.array([0.5, 0.5]), np.array([1, 2]), rng) == (0.5, 0.5)

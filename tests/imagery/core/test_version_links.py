import itertools

import numpy as np

from imagery.core.placements import IDENTITY
from imagery.core.version_links import Proof, links


def placed(left: float, top: float, width: float, height: float) -> np.ndarray:
    return np.array([[width, 0, left], [0, height, top]])


def names(*images: int) -> dict[int, str]:
    return {image: f"{image:04}" for image in images}


WHOLE = IDENTITY


def test_copies_of_copies_are_one_set():
    proofs = [Proof(2, 1, WHOLE, 40), Proof(3, 2, placed(0.05, 0.05, 0.9, 0.9), 30)]
    assert sorted(links(proofs, [], names(1, 2, 3))) == [0, 1]


def test_two_pictures_of_one_collage_stay_two():
    """1 and 2 lie side by side in 3, which shows most of 1."""
    proofs = [
        Proof(1, 3, placed(0, 0, 0.6, 1), 50),
        Proof(2, 3, placed(0.6, 0, 0.4, 1), 90),
    ]
    assert links(proofs, [], names(1, 2, 3)) == [0]


def test_a_collage_within_a_chain_is_seen():
    proofs = [
        Proof(1, 3, placed(0, 0, 0.6, 1), 50),
        Proof(4, 1, WHOLE, 50),
        Proof(2, 5, WHOLE, 50),
        Proof(2, 3, placed(0.6, 0, 0.4, 1), 90),
    ]
    assert sorted(links(proofs, [], names(1, 2, 3, 4, 5))) == [0, 1, 2]


def test_told_apart_wins_over_a_chain():
    """A template is part of two memes whose texts differ: it goes with the surer one."""
    proofs = [Proof(2, 1, WHOLE, 40), Proof(3, 1, WHOLE, 60)]
    assert links(proofs, [(2, 3)], names(1, 2, 3)) == [1]


def test_one_pair_told_apart_splits_no_set_that_many_proofs_join():
    """Two watermarks: each is the same picture as all others, and the two differ."""
    proofs = [Proof(b, a, WHOLE, 40) for a, b in itertools.combinations(range(1, 6), 2)]
    told = [(4, 5)]
    proofs = [proof for proof in proofs if (proof.other, proof.image) not in told]
    held = links(proofs, told, names(*range(1, 6)))
    assert {proofs[i].image for i in held} | {proofs[i].other for i in held} == {1, 2, 3, 4, 5}


def test_the_order_of_the_proofs_plays_no_part():
    proofs = [
        Proof(2, 1, WHOLE, 40),
        Proof(3, 1, WHOLE, 40),
        Proof(3, 4, placed(0, 0, 0.5, 1), 20),
        Proof(5, 4, placed(0.5, 0, 0.5, 1), 20),
    ]
    told = [(2, 3)]
    expected = None
    for order in itertools.permutations(range(4)):
        held = links([proofs[i] for i in order], told, names(1, 2, 3, 4, 5))
        ends = {(proofs[order[i]].image, proofs[order[i]].other) for i in held}
        expected = expected or ends
        assert ends == expected


def test_every_proof_within_a_set_holds():
    proofs = [Proof(2, 1, WHOLE, 9), Proof(3, 2, WHOLE, 8), Proof(3, 1, WHOLE, 7)]
    assert links(proofs, [], names(1, 2, 3)) == [0, 1, 2]


def test_nothing_from_nothing():
    assert links([], [(1, 2)], {}) == []

import pytest

from imagery.core.decisions import Decisions


def test_same_is_transitive():
    decisions = Decisions([(0, 1), (1, 2), (4, 5)], [], 6)
    assert decisions.bond(0) == decisions.bond(1) == decisions.bond(2)
    assert decisions.bond(4) != decisions.bond(0)
    assert decisions.images.tolist() == [0, 1, 2, 4, 5]


def test_not_the_same_reaches_through_same():
    decisions = Decisions([(0, 1), (2, 3)], [(1, 2)], 4)
    assert decisions.are_apart(decisions.bond(0), decisions.bond(3))
    assert not decisions.may_meet([decisions.bond(3)], {decisions.bond(0)})


def test_the_first_of_contradicting_pairs_holds():
    decisions = Decisions([(0, 1), (1, 2)], [(0, 2)], 3)
    assert decisions.unmet == [(1, 2)]
    assert Decisions([(1, 2), (0, 1)], [(0, 2)], 3).unmet == [(0, 1)]


def test_an_image_is_not_apart_from_itself():
    with pytest.raises(ValueError, match="image 2"):
        Decisions([], [(2, 2)], 3)
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        Decisions([(0, 3)], [], 3)

from datetime import UTC, datetime, timedelta

from imagery.core import ages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_next_age_is_the_first_one_still_to_come():
    days = [30, 1, 7]
    assert ages.next_due(NOON, days, NOON) == NOON + timedelta(days=1)
    assert ages.next_due(NOON, days, NOON + timedelta(days=1)) == NOON + timedelta(days=7)
    assert ages.next_due(NOON, days, NOON + timedelta(days=29)) == NOON + timedelta(days=30)
    assert ages.next_due(NOON, days, NOON + timedelta(days=30)) is None
    assert ages.next_due(NOON, [], NOON) is None


def test_ages_passed_meanwhile():
    def at(days: float) -> datetime:
        return NOON + timedelta(days=days)

    assert ages.passed(NOON, range(1, 31), at(6), at(9.5)) == [7, 8, 9]
    assert ages.passed(NOON, [7, 7, 1], at(1), at(7)) == [7]
    assert ages.passed(NOON, [7], at(7), at(8)) == []

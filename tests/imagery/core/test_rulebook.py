from datetime import UTC, datetime

import pytest

from imagery.core.rulebook import Rulebook, within

NOON = datetime(2017, 9, 20, 12, tzinfo=UTC)


def test_no_rules_select_everything():
    assert Rulebook().selects(posted_at=NOON, text="anything")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Maria made landfall", True),
        ("MARIA!", True),
        ("#maria", True),
        ("Mariachi band", False),
        ("", False),
    ],
)
def test_keyword_is_a_whole_word_in_any_letter_case(text, chosen):
    assert Rulebook(keywords=frozenset({"maria"})).selects(posted_at=NOON, text=text) is chosen


def test_keyword_in_a_hashtag_that_the_text_lacks():
    book = Rulebook(keywords=frozenset({"storm"}))
    assert book.selects(posted_at=NOON, text="see this", hashtags=["Storm"])


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("no power in San Juan", True),
        ("San  JUAN is dark", True),
        ("Juan San", False),
        ("San and Juan", False),
    ],
)
def test_phrase_wants_its_words_in_a_row(text, chosen):
    assert Rulebook(phrases=(("san", "juan"),)).selects(posted_at=NOON, text=text) is chosen


def test_places_or_keywords():
    book = Rulebook(keywords=frozenset({"flood"}), boxes=((-68.0, 17.8, -65.0, 18.6),))
    assert book.selects(posted_at=NOON, text="sunny", lat=18.4, lon=-66.1)
    assert book.selects(posted_at=NOON, text="flood", lat=50.0, lon=8.0)
    assert not book.selects(posted_at=NOON, text="sunny", lat=50.0, lon=8.0)
    assert not book.selects(posted_at=NOON, text="sunny")


def test_box_borders_count_and_boxes_may_cross_the_date_line():
    assert within((-68.0, 17.8, -65.0, 18.6), 18.6, -68.0)
    pacific = (170.0, -20.0, -170.0, 0.0)
    assert within(pacific, -10.0, 175.0)
    assert within(pacific, -10.0, -175.0)
    assert not within(pacific, -10.0, 0.0)


def test_window_includes_its_start_and_not_its_end():
    book = Rulebook(after=NOON, before=NOON.replace(hour=13))
    assert book.selects(posted_at=NOON)
    assert not book.selects(posted_at=NOON.replace(hour=13))
    assert not book.selects(posted_at=NOON.replace(hour=11, minute=59))


def test_languages_narrow_whatever_else_is_asked():
    book = Rulebook(languages=frozenset({"en", "pt-br"}), keywords=frozenset({"flood"}))
    assert book.selects(posted_at=NOON, text="flood", lang="en")
    assert book.selects(posted_at=NOON, text="flood", lang="en-GB")
    assert book.selects(posted_at=NOON, text="flood", lang="pt_BR")
    assert not book.selects(posted_at=NOON, text="flood", lang="pt")
    assert not book.selects(posted_at=NOON, text="flood")
    assert not book.selects(posted_at=NOON, text="lunch", lang="en")
    assert Rulebook(languages=frozenset({"es"})).selects(posted_at=NOON, lang="es")


def test_accounts_and_hashtags():
    book = Rulebook(accounts=frozenset({"fema"}), hashtags=frozenset({"maría"}))
    assert book.selects(posted_at=NOON, accounts=["FEMA", "123"])
    assert book.selects(posted_at=NOON, hashtags=["MARÍA"])
    assert not book.selects(posted_at=NOON, text="fema", accounts=["other"])

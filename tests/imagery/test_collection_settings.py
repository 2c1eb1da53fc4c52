"""What is asked of a collection: rules typed by line, ages, and keeping them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import TestCase
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from imagery import collection_settings as settings
from imagery.models import Collection, Post
from imagery.sources import LIVE
from imagery.sources.live import BadOption


def test_rules_are_told_apart_by_how_they_are_typed() -> None:
    text = '#Storm\n@weather\n\n"high water"\nflood\nno power here\nLanguage: ES\n'
    text += "bbox: 1,2,3,4\n#Storm"
    assert settings.read_rules(text) == [
        ("hashtag", "Storm"), ("account", "weather"), ("phrase", "high water"),
        ("keyword", "flood"), ("phrase", "no power here"), ("language", "ES"), ("bbox", "1,2,3,4"),
    ]  # fmt: skip


def test_what_is_told_is_read_back() -> None:
    pairs = [("keyword", "a"), ("phrase", "b: c"), ("after", "2017-09-20T00:00:00+00:00")]
    assert settings.read_rules(settings.told_rules(pairs)) == pairs


def test_each_bad_rule_is_named() -> None:
    with pytest.raises(ValidationError) as told:
        settings.read_rules("bbox: here\nafter: yesterday\nflood\nkeyword: two words")
    assert len(told.value.messages) == 3
    assert all(word in "".join(told.value.messages) for word in ("here", "yesterday", "two words"))
    with pytest.raises(ValidationError, match="501 rules; 500 is the most"):
        settings.checked_rules(("keyword", f"w{i}") for i in range(501))


@pytest.mark.parametrize(
    ("text", "days"),
    [("", []), ("7", [7]), ("1-3, 7,30", [1, 2, 3, 7, 30]), ("2–4,3", [2, 3, 4]), (" , ", [])],
)
def test_ages(text: str, days: list[int]) -> None:
    assert settings.read_ages(text) == days
    assert settings.read_ages(settings.told_ages(days)) == days


@pytest.mark.django_db
def test_changed_ages_count_for_posts_already_here(event) -> None:
    held = Collection.objects.create(event=event, name="flood", source="feed", revisit_days=[30])
    now = timezone.now()
    post = Post.objects.create(
        event=event, platform="rss", uid="1", posted_at=now, collected_by=held,
        visit_at=now + timedelta(days=30),
    )  # fmt: skip
    held.revisit_days = [2, 30]
    with TestCase.captureOnCommitCallbacks(execute=True):
        settings.keep(held, [], fields=["revisit_days"])
    post.refresh_from_db()
    assert post.visit_at == now + timedelta(days=2)


@pytest.mark.parametrize("text", ["0", "366", "1-400", "9-3", "soon", "-1", "1.5"])
def test_ages_that_are_none(text: str) -> None:
    with pytest.raises(ValidationError):
        settings.read_ages(text)


@given(st.lists(st.integers(1, 365), max_size=40))
def test_ages_are_told_as_they_are_read(days: list[int]) -> None:
    assert settings.read_ages(settings.told_ages(days)) == sorted(set(days))


@given(st.text(max_size=200))
def test_wild_rules_are_read_or_refused(text: str) -> None:
    try:
        pairs = settings.read_rules(text)
    except ValidationError as error:
        assert error.messages
    else:
        assert settings.read_rules(settings.told_rules(pairs)) == pairs


@pytest.mark.django_db
def test_keeping_writes_what_changed_alone(event) -> None:
    held = Collection(event=event, name="Sky", source="bluesky", options={"a": 1})
    settings.keep(held, [("keyword", "wind"), ("hashtag", "storm")])
    kept = {rule.value: rule.pk for rule in held.rules.all()}
    Collection.objects.filter(pk=held.pk).update(cursor="17", n_seen=9)
    held.name = "The sky"
    settings.keep(held, [("hashtag", "storm"), ("keyword", "rain")], fields=["name"])
    now = Collection.objects.get(pk=held.pk)
    assert (now.name, now.cursor, now.n_seen) == ("The sky", "17", 9)
    assert {rule.value for rule in now.rules.all()} == {"storm", "rain"}
    assert now.rules.get(value="storm").pk == kept["storm"]
    held.options = {"a": 2}
    settings.keep(held, [], fields=["options"])
    now.refresh_from_db()
    assert (now.cursor, now.n_seen, now.rules.count()) == ("", 9, 0)


@pytest.mark.django_db
def test_a_copy_has_collected_nothing(event, owner) -> None:
    first = Collection.objects.create(
        event=event, name="n" * 120, source="feed", token="secret", n_seen=5, state="on",
        cursor="9", revisit_days=[7],
    )  # fmt: skip
    first.rules.create(kind="keyword", value="wind")
    made = settings.copy(first, owner)
    assert (made.state, made.n_seen, made.cursor, made.token) == ("paused", 0, "", "secret")
    assert (made.revisit_days, made.user, len(made.name)) == ([7], owner, 114)
    assert [rule.value for rule in made.rules.all()] == ["wind"]


@pytest.mark.parametrize(
    ("source", "option", "address"),
    [
        ("mastodon", "server", "169.254.169.254"),
        ("mastodon", "server", "http://pond.example"),
        ("mastodon", "server", "[::1]"),
        ("mastodon", "server", "0x7f.1"),
        ("bluesky", "server", "wss://10.1.2.3/subscribe"),
        ("bluesky", "server", "ws://stream.example/subscribe"),
        ("bluesky", "api", "https://127.0.0.1"),
        ("feed", "feeds", ["https://news.example/a.rss", "http://192.168.1.1/feed"]),
    ],
)
def test_an_address_that_may_never_be_asked_is_refused_at_once(
    source: str, option: str, address: object
) -> None:
    given = {"hashtags": ["storm"], option: address}
    with pytest.raises(BadOption) as told:
        settings.checked_options(LIVE[source], given)
    assert told.value.option == option

"""Rules: listed, added, removed, previewed, applied."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery.models import Event, Post, Rule
from tests.factories import organised

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:rules", args=["storm"])
MATCHING = reverse("imagery:rules-matching", args=["storm"])
APPLY = reverse("imagery:rules-apply", args=["storm"])


def test_a_rule_is_added_as_it_is_stored(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    assert client.post(PAGE, {"kind": "hashtag", "value": " #Storm "})["Location"] == PAGE
    assert event.rules.get().value == "Storm"
    assert "Storm" in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("keyword", "two words", "is not one word"),
        ("bbox", "1,2,3", "is no bounding box"),
        ("after", "yesterday", "is no time"),
        ("colour", "red", "colour"),
        ("keyword", "", "required"),
        ("keyword", "wind", "already"),
    ],
)
def test_bad_rules_are_named(client: Client, event, analyst, kind, value, words) -> None:
    Rule.objects.create(event=event, kind="keyword", value="wind")
    client.force_login(analyst)
    answer = client.post(PAGE, {"kind": kind, "value": value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert event.rules.count() == 1


def test_a_rule_is_removed(client: Client, event, analyst) -> None:
    rule = Rule.objects.create(event=event, kind="keyword", value="wind")
    client.force_login(analyst)
    client.post(reverse("imagery:rule-remove", args=["storm", rule.pk]))
    assert not event.rules.exists()


def test_another_events_rule_stays(client: Client, event, analyst) -> None:
    other = Event.objects.create(slug="other", name="Other")
    rule = Rule.objects.create(event=other, kind="keyword", value="wind")
    client.force_login(analyst)
    answer = client.post(reverse("imagery:rule-remove", args=["storm", rule.pk]))
    assert answer.status_code == 404
    assert other.rules.exists()


def test_preview_counts_posts(client: Client, event, viewer) -> None:
    organised(event, 3)
    Rule.objects.create(event=event, kind="hashtag", value="tag0")
    client.force_login(viewer)
    words = client.get(MATCHING).content.decode()
    assert '<strong class="num">24</strong>' in words
    assert str(event.posts.count()) in words


def test_applying_selects_anew(
    client: Client, event, analyst, django_capture_on_commit_callbacks
) -> None:
    organised(event, 3)
    Rule.objects.create(event=event, kind="hashtag", value="tag0")
    client.force_login(analyst)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(APPLY)
    assert Post.objects.selected().filter(event=event).count() == 24


def test_forbidden_and_missing(client: Client, event, stranger, viewer) -> None:
    rule = Rule.objects.create(event=event, kind="keyword", value="wind")
    remove = reverse("imagery:rule-remove", args=["storm", rule.pk])
    client.force_login(stranger)
    for address in (PAGE, MATCHING):
        assert client.get(address).status_code == 404
    client.force_login(viewer)
    for address in (PAGE, APPLY, remove):
        assert client.post(address, {"kind": "keyword", "value": "x"}).status_code == 404
    assert event.rules.count() == 1
    assert client.get(reverse("imagery:rules", args=["nowhere"])).status_code == 404


def test_queries(client: Client, event, viewer, django_assert_num_queries) -> None:
    for word in ("wind", "rain", "flood"):
        Rule.objects.create(event=event, kind="keyword", value=word)
    client.force_login(viewer)
    # session, person, event, rules, role; the bar asks for an import and a job, the tabs for doubts
    with django_assert_num_queries(8):
        client.get(PAGE)

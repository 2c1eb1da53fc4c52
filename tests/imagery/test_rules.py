from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from imagery import rules, storing, tasks
from imagery.models import Job, Rule
from imagery.sources.base import AccountRecord, Record

pytestmark = pytest.mark.django_db
NOON = datetime(2017, 9, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("keyword", "  storm ", "storm"),
        ("hashtag", "#Maria", "Maria"),
        ("account", "@fema", "fema"),
        ("bbox", "-68, 17.8, -65, 18.6", "-68,17.8,-65,18.6"),
        ("language", "pt_BR", "pt-BR"),
        ("after", "2017-09-20", "2017-09-20T00:00:00+00:00"),
        ("before", "2017-09-20T14:00:00Z", "2017-09-20T14:00:00+00:00"),
    ],
)
def test_check_stores_a_rule_in_one_form(kind, value, stored):
    assert rules.check(kind, value) == stored


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("keyword", "two words", "two words"),
        ("keyword", " ", "empty"),
        ("hashtag", "#", "''"),
        ("bbox", "1,2,3", "1,2,3"),
        ("bbox", "0,10,1,5", "0,10,1,5"),
        ("bbox", "nan,0,1,1", "nan"),
        ("language", "english", "english"),
        ("after", "yesterday", "yesterday"),
        ("after", "2017-13-45", "2017-13-45"),
        ("nonsense", "x", "nonsense"),
        ("phrase", "x" * 301, "301"),
    ],
)
def test_check_names_what_does_not_fit(kind, value, said):
    with pytest.raises(ValidationError, match=said):
        rules.check(kind, value)


def _post(uid: str, text: str, handle: str = "someone") -> Record:
    return Record("twitter", uid, NOON, AccountRecord(handle, handle), text)


def test_rules_are_applied_and_followed_by_a_pass_or_neither(event):
    storing.store(event, [_post("1", "storm here"), _post("2", "lunch")])
    Rule.objects.create(event=event, kind="keyword", value="storm")

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rules.apply(event, then=killed)
    assert event.posts.selected().count() == 2
    tasks.apply_rules(event.pk)
    assert event.posts.selected().count() == 1
    assert Job.objects.active().filter(event=event).count() == 1


def test_rules_of_an_event_deleted_meanwhile_are_no_error(event):
    pk = event.pk
    event.delete()
    tasks.apply_rules(pk)
    assert not Job.objects.exists()


def test_rules_applied_anew_set_posts_aside_and_bring_them_back(event):
    storing.store(event, [_post("1", "storm here"), _post("2", "lunch"), _post("3", "x", "fema")])
    rule = Rule.objects.create(event=event, kind="keyword", value="storm")
    assert rules.count_matching(event) == (1, 3)
    n, n_read = rules.count_matching(event, most=1)
    assert 0 <= n <= n_read < 3
    assert rules.apply(event) == 2
    assert list(event.posts.selected().values_list("uid", flat=True)) == ["1"]
    Rule.objects.create(event=event, kind="account", value="FEMA")
    assert rules.apply(event) == 1
    rule.delete()
    event.rules.all().delete()
    assert rules.apply(event) == 1
    assert event.posts.selected().count() == 3

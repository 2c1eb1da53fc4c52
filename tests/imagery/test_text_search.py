"""Posts by their words: the index finds what a look at every text would find."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagery import removal, text_index, text_search
from imagery.core.queries import parse
from imagery.models import Account, Event, Post
from imagery.sources.base import AccountRecord, Record
from imagery.storing import store
from imagery.text_search import Wanted

pytestmark = pytest.mark.django_db
AT = datetime(2017, 9, 20, tzinfo=UTC)
TEXTS = {
    "1": "The storm took the roof of San Juan's café",
    "2": "STORMS ahead, Juan San says",
    "3": "昨日台風が来た",
    "4": "A quiet day",
    "5": "Ураган в Сан-Хуане",
}


@pytest.fixture
def told(event: Event) -> Event:
    ana, bot = AccountRecord(uid="a1", handle="Ana"), AccountRecord(uid="b2", handle="bot")
    tags = {"1": ("Maria",), "4": ("storm", "風景")}
    store(event, [
        Record(
            platform="x", uid=uid, posted_at=AT + timedelta(hours=int(uid)), text=text,
            hashtags=tags.get(uid, ()), account=bot if uid == "2" else ana,
            lang="ja" if uid == "3" else "en-GB", place="San Juan, Puerto Rico" * (uid == "4"),
        )
        for uid, text in TEXTS.items()
    ])  # fmt: skip
    text_index.catch_up()
    return event


@pytest.fixture
def found(told: Event) -> Callable[[str | Wanted], str]:
    def uids(query: str | Wanted) -> str:
        return "".join(sorted(text_search.posts([told], query).values_list("uid", flat=True)))

    return uids


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ("storm", "14"), ("Storm*", "124"), ("san juan", "12"), ('"san juan"', "1"),
        ("cafe", "1"), ("CAFÉ", "1"), ("#storm", "4"), ("#Maria OR quiet", "14"), ("#風", "4"),
        ("台風", "3"), ("風台", ""), ("сан", "5"), ("storm -roof", "4"), ("-storm", "235"),
        ("@ana storm", "14"), ("@BOT", "2"), ("@b2", "2"), ("-@ana", "2"), ("@nobody", ""),
        ("nothing", ""), ("", "12345"), ("🔥", "12345"), ("quiet OR @bot", "24"),
    ],
)  # fmt: skip
def test_words(found: Callable[[str], str], query: str, uids: str) -> None:
    assert found(query) == uids


def test_places_languages_and_accounts(found: Callable[[Wanted], str]) -> None:
    assert found(Wanted(place="san juan")) == "4"
    assert found(Wanted(lang="en-US")) == "1245"
    assert found(Wanted(parse("storm"), account="@Ana")) == "14"
    assert found(Wanted(lang="!")) == ""


def test_another_events_posts_stay_its_own(told: Event) -> None:
    other = Event.objects.create(slug="other", name="Other")
    sly = f"x e{told.pk} e{told.pk}p"  # would be a mark, were it taken as it is
    store(other, [Record(platform="x", uid="9", posted_at=AT, text="storm", lang=sly)])
    text_index.catch_up()
    assert set(text_search.posts([told], "storm").values_list("uid", flat=True)) == {"1", "4"}
    assert text_search.posts([other], "storm").count() == 1
    assert text_search.posts([told, other], "storm").count() == 3
    assert text_search.posts([], "storm").count() == 0


def test_many_events_at_once(told: Event) -> None:
    events = [Event(pk=10_000 + n) for n in range(700)]
    assert text_search.posts([told, *events], "storm OR @ana").count() == 4


def test_posts_set_aside_are_not_found(told: Event) -> None:
    Post.objects.filter(uid="1").update(selected=False)
    assert [post.uid for post in text_search.posts([told], "storm")] == ["4"]


def test_a_changed_post_is_found_by_what_it_says_now(told: Event, found: Callable) -> None:
    ana = AccountRecord(uid="a1", handle="Ana")
    store(told, [Record(platform="x", uid="4", posted_at=AT, text="A loud day", account=ana)])
    assert (found("quiet"), found("loud"), found("#storm")) == ("", "4", "4")
    Post.objects.filter(uid="4").update(account=Account.objects.get(handle="bot"))
    assert (found("@bot"), found("day @ana")) == ("24", "")
    Post.objects.filter(uid="4").update(likes=5, has_images=True)
    assert found(Wanted(parse("loud"), pictured=True)) == "4"
    assert found(Wanted(parse("storm*"), pictured=True)) == "4"


def test_deleting_an_event_takes_its_words(told: Event) -> None:
    other = Event.objects.create(slug="other", name="Other")
    store(other, [Record(platform="x", uid="9", posted_at=AT, text="storm")])
    text_index.catch_up()
    removal.delete(told)
    assert [post.uid for post in text_search.posts([other], "storm")] == ["9"]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM imagery_post_text WHERE imagery_post_text MATCH 'storm'"
            )
            assert cursor.fetchone() == (1,)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps its index itself")
def test_what_came_by_another_way_is_taken_up(told: Event, found: Callable) -> None:
    Post.objects.bulk_create(
        Post(event=told, platform="x", uid=uid, posted_at=AT, text="storm late") for uid in "678"
    )
    assert found("late") == "" and text_index.n_waiting() == 3
    Post.objects.filter(uid="8").update(text="changed before it was indexed")
    assert text_index.catch_up(least=4) == 0
    assert text_index.catch_up() == 3 and text_index.n_waiting() == 0
    assert (found("late"), found("changed")) == ("67", "8")
    assert text_index.catch_up() == 0


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL's has no version")
def test_other_words_are_indexed_anew(told: Event, found: Callable, monkeypatch) -> None:
    monkeypatch.setattr(text_index.wording, "VERSION", text_index.wording.VERSION + 1)
    text_index.prepare()
    assert found("storm") == "" and text_index.n_waiting() == max(
        Post.objects.values_list("pk", flat=True)
    )
    text_index.catch_up()
    assert found("storm") == "14"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=40) | st.text(alphabet="\"-*#@() ORaNDT:^+~\\'&|!{}", max_size=40))
def test_nothing_typed_is_an_error(told: Event, query: str) -> None:
    assert text_search.posts([told], query).count() <= len(TEXTS)


WORD = st.sampled_from(["alpha", "beta", "gamma", "Älpha", "台", "風"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(WORD, min_size=1, max_size=6), st.lists(WORD, min_size=1, max_size=3))
def test_a_phrase_is_found_where_its_words_stand_together(
    event: Event, said: list[str], phrase: list[str]
) -> None:
    Post.objects.all().delete()
    store(event, [Record(platform="x", uid="1", posted_at=AT, text=", ".join(said))])
    text_index.catch_up()
    plain = [word.replace("Ä", "a") for word in said]
    want = [word.replace("Ä", "a") for word in phrase]
    n = len(want)
    together = any(plain[i : i + n] == want for i in range(len(plain) - n + 1))
    assert text_search.posts([event], f'"{" ".join(phrase)}"').exists() == together

"""Collections on pages: made, changed, watched, steered; the token stays where it is."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagery.models import Collection, Event, Post, Reading
from tests.factories import organised

pytestmark = pytest.mark.django_db
LIST = reverse("imagery:collections", args=["storm"])
NEW = reverse("imagery:collection-new", args=["storm"])
TOKEN = "t0p-secret-token"
MASTODON = {
    "source": "mastodon", "name": "Town", "option_server": "town.example",
    "option_timeline": "hashtag", "option_hashtags": "storm\nwind", "token": TOKEN,
    "rules": "#storm\nlanguage: es", "ages": "1-3, 7", "starts_at": "2026-03-01T10:00",
}  # fmt: skip


def url(act: str, held: Collection) -> str:
    return reverse(f"imagery:collection{act}", args=["storm", held.pk])


@pytest.fixture
def held(event: Event) -> Collection:
    made = Collection.objects.create(
        event=event, name="Town", source="mastodon", token=TOKEN, cursor="17",
        options={"server": "town.example", "timeline": "hashtag", "hashtags": ["storm"]},
    )  # fmt: skip
    made.rules.create(kind="hashtag", value="storm")
    return made


def test_without_any_it_says_what_they_do(client: Client, event, analyst, viewer) -> None:
    client.force_login(analyst)
    page = client.get(LIST).content.decode()
    assert "No collection yet" in page and f'href="{NEW}"' in page
    client.force_login(viewer)
    page = client.get(LIST).content.decode()
    assert "No collection yet" in page and NEW not in page


def test_one_is_made_and_started(client: Client, event, analyst) -> None:
    Event.objects.update(timezone="America/Puerto_Rico")
    client.force_login(analyst)
    assert "Mastodon" in client.get(NEW).content.decode()
    answer = client.post(NEW, MASTODON | {"start": "1"})
    held = Collection.objects.get()
    assert answer["Location"] == url("", held)
    assert (held.state, held.user, held.token) == ("on", analyst, TOKEN)
    assert held.options["hashtags"] == ["storm", "wind"]
    assert held.revisit_days == [1, 2, 3, 7]
    assert held.starts_at.isoformat() == "2026-03-01T14:00:00+00:00"
    assert {(r.kind, r.value) for r in held.rules.all()} == {
        ("hashtag", "storm"), ("language", "es"),
    }  # fmt: skip
    client.post(NEW, MASTODON)
    assert Collection.objects.latest("pk").state == "paused"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"option_server": "no server"}, "option_server", ""),
        ({"rules": "bbox: nowhere"}, "rules", "nowhere"),
        ({"ages": "1-900"}, "ages", "is no age"),
        ({"stops_at": "2026-02-01T10:00"}, "stops_at", "ends before it begins"),
        ({"starts_at": "soon"}, "starts_at", "such as 2017-09-20"),
    ],
)
def test_errors_stand_at_their_fields(client, event, analyst, changes, field, words) -> None:
    client.force_login(analyst)
    answer = client.post(NEW, MASTODON | changes)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert words in str(answer.context["form"].errors[field])
    assert TOKEN not in answer.content.decode()
    assert not Collection.objects.exists()


def test_a_source_that_is_none(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    assert client.post(NEW, {"source": "radio", "name": "x"}).status_code == 422


def test_a_change_keeps_the_token_that_is_not_shown(client: Client, event, held, analyst) -> None:
    client.force_login(analyst)
    page = client.get(url("-edit", held)).content.decode()
    assert "hashtag: storm" in page and TOKEN not in page and "stays if this is left" in page
    said = {key: value for key, value in MASTODON.items() if key not in ("token", "source")}
    assert client.post(url("-edit", held), said | {"name": "City"}).status_code == 302
    held.refresh_from_db()
    assert (held.name, held.token, held.cursor) == ("City", TOKEN, "")
    client.post(url("-edit", held), said | {"forget_token": "on"})
    held.refresh_from_db()
    assert held.token == ""


def test_no_page_tells_the_token(client: Client, event, held, owner) -> None:
    client.force_login(owner)
    pages = [LIST, url("", held), url("-edit", held), f"{NEW}?source=mastodon"]
    pages += ["/e/storm/tables/collections.csv", "/api/events/storm/collections/"]
    for page in pages:
        answer = client.get(page)
        told = answer.getvalue() if answer.streaming else answer.content
        assert answer.status_code == 200 and TOKEN.encode() not in told, page


def test_steering(client: Client, event, held, analyst) -> None:
    client.force_login(analyst)
    for act, state in (("start", "on"), ("pause", "paused"), ("start", "on"), ("stop", "stopped")):
        assert client.post(url(f"-{act}", held))["Location"] == url("", held)
        held.refresh_from_db()
        assert held.state == state
    assert client.post(url("-start", held), {"from-list": "1"})["Location"] == LIST
    Collection.objects.update(state="paused", stops_at=timezone.now() - timedelta(hours=1))
    told = client.post(url("-start", held), follow=True).content.decode()
    assert "choose a later time" in told
    held.refresh_from_db()
    assert held.state == "paused"


def test_another_like_it_and_its_end(client: Client, event, held, analyst) -> None:
    organised(event, 1)
    Post.objects.update(collected_by=held)
    client.force_login(analyst)
    client.post(url("-duplicate", held))
    assert Collection.objects.count() == 2
    client.post(url("-delete", held))
    assert not Collection.objects.filter(pk=held.pk).exists()
    assert Post.objects.filter(event=event, collected_by=None).count() == Post.objects.count()


def test_the_page_of_one(client: Client, event, held, viewer) -> None:
    organised(event, 2)
    now = timezone.now()
    Post.objects.update(collected_by=held, gone="deleted", gone_at=now)
    Collection.objects.update(
        state="on", error="The server is <gone>.", error_at=now, n_tries=3,
        retry_at=now + timedelta(minutes=1),
    )  # fmt: skip
    held.minutes.create(at=now.replace(second=0, microsecond=0), n_seen=5, n_kept=3)
    held.gaps.create(begins_at=now - timedelta(hours=1), ends_at=now, state="lost", reason="Cut.")
    client.force_login(viewer)
    page = client.get(url("", held)).content.decode()
    for words in ("Not connected", "The server is &lt;gone&gt;.", "next try", "3 tries",
                  "1 gap", "Cannot be refilled", "Cut.", "town.example",
                  f"?collection={held.pk}&amp;show=posts"):  # fmt: skip
        assert words in page, words
    assert '<form method="post" action="/e/storm/collections' not in page
    part = client.get(url("", held), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="now"') and 'id="after" hx-swap-oob' in part
    rows = client.get(f"{url('', held)}?span=day&rates", headers={"HX-Request": "true"})
    assert rows.content.decode().count("<tr>") == 1
    told = client.get(f"{url('-rates', held)}?span=hour").json()
    assert (sum(told["seen"]), sum(told["kept"]), told["interval_min"]) == (5, 3, 1)
    assert [gap["state"] for gap in told["gaps"]] == ["lost"]


def test_what_a_collection_brought_is_found(client: Client, event, held, viewer) -> None:
    organised(event, 2)
    ids = list(Post.objects.values_list("pk", flat=True)[:5])
    Post.objects.filter(pk__in=ids).update(collected_by=held)
    Post.objects.filter(pk=ids[0]).update(gone="private", gone_at=timezone.now())
    Reading.objects.create(
        post_id=ids[0], day=1, due_at=timezone.now(), read_at=timezone.now(), likes=31
    )
    client.force_login(viewer)
    found = client.get(f"/e/storm/search/?collection={held.pk}&show=posts")
    assert sorted(post.pk for post, _ in found.context["rows"]) == sorted(ids)
    words = found.content.decode()
    assert "Made private" in words and "read again 1 time" in words and ">31<" in words
    gone = client.get("/e/storm/search/?gone=any&show=posts")
    assert [post.pk for post, _ in gone.context["rows"]] == [ids[0]]
    assert not client.get("/e/storm/search/?gone=deleted&show=posts").context["rows"]
    image = Post.objects.get(pk=ids[0]).links.first().image
    assert "Made private" in client.get(f"/e/storm/i/{image.unique_id}/").content.decode()


@pytest.mark.parametrize(("name", "n"), [("collections", 1), ("gaps", 1), ("readings", 1)])
def test_tables(client: Client, event, held, viewer, name: str, n: int) -> None:
    organised(event, 1)
    held.gaps.create(begins_at=timezone.now())
    Reading.objects.create(
        post=Post.objects.earliest("pk"), day=1, due_at=timezone.now(), read_at=timezone.now()
    )
    client.force_login(viewer)
    lines = client.get(f"/e/storm/tables/{name}.csv").getvalue().decode().splitlines()
    assert len(lines) == 1 + n and len(lines[0].split(",")) >= 8


def test_the_overview_tells_of_what_is_on(client: Client, event, held, viewer) -> None:
    client.force_login(viewer)
    assert 'id="live"' not in client.get("/e/storm/").content.decode()
    Collection.objects.update(state="on")
    assert "posts a minute" in client.get("/e/storm/").content.decode()
    assert "Town" in client.get("/e/storm/live/").content.decode()


def test_of_another_event_it_is_not_there(client: Client, event, held, analyst) -> None:
    Collection.objects.update(event=Event.objects.create(slug="other", name="Other"))
    client.force_login(analyst)
    for act in ("", "-edit", "-rates"):
        assert client.get(url(act, held)).status_code == 404
    for act in ("-start", "-pause", "-stop", "-delete", "-duplicate", "-edit"):
        assert client.post(url(act, held)).status_code == 404
    assert Collection.objects.get().state == "paused"


def test_queries(client: Client, event, held, viewer, django_assert_max_num_queries) -> None:
    client.force_login(viewer)
    with django_assert_max_num_queries(22):
        client.get(LIST)
    with django_assert_max_num_queries(24):
        client.get(url("", held))

"""Pages of looking a picture up: asking, what was found, who may see it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from imagery import look_ups
from imagery.models import Event, Image, LookUp, Membership
from tests import factories

pytestmark = pytest.mark.django_db
NEW = reverse("imagery:look-up-new")
HERE = reverse("imagery:event-look-up-new", args=["storm"])


@pytest.fixture
def made(event: Event) -> Event:
    return factories.organised(event, n_unique=5)


def first(event: Event) -> Image:
    return Image.objects.get(event=event, represents__rank=1)


def ask(client: Client, url: str = HERE, **fields) -> LookUp:
    answer = client.post(url, fields)
    assert answer.status_code == 302, answer.content.decode()
    row = LookUp.objects.latest("pk")
    assert row.key in answer["Location"]
    if row.is_unfinished:
        look_ups.run(row.pk)
    return LookUp.objects.get(pk=row.pk)


def place(row: LookUp) -> str:
    if row.event:
        return reverse("imagery:event-look-up", args=[row.event.slug, row.key])
    return reverse("imagery:look-up", args=[row.key])


def picture(index: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", factories.jpeg(index, (96, 72), 88))


def test_a_picture_of_the_event_is_told_with_its_first_post(client: Client, made, viewer) -> None:
    client.force_login(viewer)
    row = ask(client, file=picture())
    assert row.event == made
    page = client.get(place(row)).content.decode()
    assert "First seen here" in page and "20 Sep 2017, 10:00" in page and "person0" in page
    assert "The same file" in page and "same file</span>" in page
    assert row.sha256 in page and "https://posts.example/1000" in page
    assert reverse("imagery:image", args=["storm", first(made).unique_id]) in page


def test_a_picture_never_seen_is_said_so(client: Client, made, viewer) -> None:
    client.force_login(viewer)
    row = ask(client, words="f" * 64)
    page = client.get(place(row)).content.decode()
    assert f"Not seen in {made.n_images} pictures" in page
    assert "A hash alone does not tell" in page


def test_where_decides_between_the_event_and_all(client: Client, made, viewer) -> None:
    client.force_login(viewer)
    row = ask(client, words=first(made).phash, where="all")
    assert row.event is None
    page = client.get(place(row)).content.decode()
    assert "Storm</span>" in page  # each picture says its event
    other = reverse("imagery:event-look-up", args=["storm", row.key])
    assert client.get(other).status_code == 404


def test_an_image_is_looked_up_in_other_events(client: Client, made, viewer) -> None:
    flood = Event.objects.create(slug="flood", name="Flood", revision=1)
    Membership.objects.create(event=flood, user=viewer, role="viewer")
    client.force_login(viewer)
    row = ask(client, NEW, image=str(first(made).pk))
    assert row.kind == "image" and row.event is None
    assert first(made).pk in row.found["exact"]
    strange = Event.objects.create(slug="quake", name="Quake")
    hidden = factories.image(strange, factories.jpeg(70))
    for pk in (str(hidden.pk), "x", "9" * 30):
        assert client.post(NEW, {"image": pk}).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({}, 422, "one picture, one address or one hash"),
        ({"words": "nonsense"}, 422, "hexadecimal digit"),
        ({"words": "http://10.0.0.1/a.jpg"}, 422, "cannot be fetched"),
        ({"file": "a.html"}, 422, "a.html is not a picture"),
    ],
)
def test_what_cannot_be_asked_is_said(client: Client, made, viewer, fields, status, word) -> None:
    client.force_login(viewer)
    for url in (HERE, NEW):
        if "file" in fields:
            fields = {"file": SimpleUploadedFile("a.html", b"<html>")}
        answer = client.post(url, fields)
        assert answer.status_code == status and word in answer.content.decode()
        assert 'role="alert"' in answer.content.decode()


def test_too_many_are_answered_429(client: Client, made, viewer, monkeypatch) -> None:
    monkeypatch.setattr(look_ups, "PER_MINUTE", 0)
    client.force_login(viewer)
    assert client.post(HERE, {"words": "0" * 16}).status_code == 429


def test_a_poll_is_answered_only_with_news(client: Client, made, viewer, monkeypatch) -> None:
    monkeypatch.setattr("imagery.tasks.look_up.delay_on_commit", lambda pk: None)
    client.force_login(viewer)
    client.post(HERE, {"file": picture()})
    row = LookUp.objects.get()
    assert 'hx-get="?after=0"' in client.get(place(row)).content.decode()
    part = {"HX-Request": "true"}
    assert client.get(f"{place(row)}?after=0", headers=part).status_code == 204
    look_ups.run(row.pk)
    news = client.get(f"{place(row)}?after=0", headers=part)
    assert news.status_code == 200 and "hx-trigger" not in news.content.decode().split("</main>")[
        0
    ].replace("progress", "")


def test_a_failure_says_why(client: Client, made, viewer) -> None:
    client.force_login(viewer)
    row = ask(client, file=SimpleUploadedFile("cut.jpg", factories.jpeg(3)[:60]))
    assert row.state == "failed"
    page = client.get(place(row)).content.decode()
    assert "That did not work" in page and "cut.jpg cannot be opened" in page


def test_its_small_copy_is_shown_to_whoever_may_see_it(
    client: Client, made, viewer, owner, stranger, annotator
) -> None:
    client.force_login(viewer)
    row = ask(client, file=picture())
    url = reverse("imagery:look-up-thumb", args=[row.key])
    for user, want in ((viewer, 200), (owner, 200), (stranger, 404), (annotator, 404)):
        client.force_login(user)
        assert client.get(url).status_code == want
        assert client.get(place(row)).status_code == want
    client.logout()
    assert client.get(url).status_code == 302


@pytest.mark.parametrize("who", ["annotator", "stranger"])
def test_who_sees_no_event_looks_nothing_up(client: Client, made, who, request) -> None:
    client.force_login(request.getfixturevalue(who))
    assert client.get(HERE).status_code == 404
    assert client.post(HERE, {"words": "0" * 16}).status_code == 404
    assert client.post(NEW, {"words": "0" * 16}).status_code == 404
    assert "No events to look in yet" in client.get(NEW).content.decode()
    assert not LookUp.objects.exists()


def test_one_forgets_ones_own(client: Client, made, viewer, owner) -> None:
    client.force_login(viewer)
    row = ask(client, file=picture())
    url = reverse("imagery:look-up-forget", args=[row.key])
    client.force_login(owner)
    assert client.post(url).status_code == 404
    client.force_login(viewer)
    assert "a.jpg" in client.get(HERE).content.decode()
    assert client.post(url)["Location"] == HERE
    assert client.get(place(row)).status_code == 404
    assert client.get(reverse("imagery:look-up-thumb", args=[row.key])).status_code == 404


def test_queries_stay_few(client: Client, made, viewer, django_assert_num_queries) -> None:
    client.force_login(viewer)
    url = place(ask(client, file=picture()))
    # session, person, look-up, may see, events, images, cards, post; the bar: import and job
    with django_assert_num_queries(10):
        client.get(url)

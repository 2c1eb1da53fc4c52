"""Pages of known hashes: who may change them, what is refused, what is covered."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture

from imagery.models import Event, HashList, Image, KnownMatch
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:lists", args=["storm"])


@pytest.fixture
def made(event: Event) -> Event:
    return factories.organised(event, n_unique=5)


def first(event: Event) -> Image:
    return Image.objects.get(event=event, represents__rank=1)


def file(text: str, name: str = "theirs.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def bring(client: Client, event: Event, action: str = "watch", **fields) -> HashList:
    text = f"hash,quality,name\n{first(event).pdq},90,=cmd\nbad row\n"
    given = {"file": file(text), "action": action} | fields
    assert client.post(PAGE, given).status_code == 302
    return HashList.objects.latest("pk")


def place(name: str, row: HashList) -> str:
    return reverse(f"imagery:{name}", args=["storm", row.pk])


def test_a_list_is_brought_in(
    client: Client, made, analyst, django_capture_on_commit_callbacks
) -> None:
    client.force_login(analyst)
    with django_capture_on_commit_callbacks(execute=True):
        row = bring(client, made)
    row.refresh_from_db()
    assert (row.name, row.action, row.state, row.user) == ("theirs", "watch", "done", analyst)
    page = client.get(PAGE).content.decode()
    assert "Line 3: “bad row” is no PDQ hash" in page and "1 picture" in page
    assert 'class="known"' in page  # its mark, on the card
    assert 'class="known"' in client.get(place("list", row)).content.decode()


@pytest.fixture
def brought(client: Client, made, owner, django_capture_on_commit_callbacks) -> HashList:
    client.force_login(owner)
    with django_capture_on_commit_callbacks(execute=True):
        row = bring(client, made, action="block", name="Not ours to show")
    client.logout()
    return row


def test_what_a_block_list_knows_is_covered_until_asked_for(
    client: Client, made, brought, viewer
) -> None:
    client.force_login(viewer)
    made.refresh_from_db()
    card_page = client.get(place("list", brought)).content.decode()
    assert "Blocked by Not ours to show" in card_page and "data-show-covered" in card_page
    address = reverse("imagery:thumb", args=["storm", first(made).sha256, 320])
    assert f'src="{address}?known={made.known_revision}"' in card_page

    def colours(url: str) -> int:
        answer = client.get(url)
        assert answer.status_code == 200
        picture = Picture.open(io.BytesIO(b"".join(answer.streaming_content)))
        grey = picture.convert("L")
        return max(
            abs(grey.getpixel((x, 40)) - grey.getpixel((x + 1, 40)))
            for x in range(picture.width - 1)
        )

    covered, shown = colours(address), colours(f"{address}?shown=1")
    assert 3 * covered < shown  # no edge is left
    other = Image.objects.get(event=made, represents__rank=2)
    plain = reverse("imagery:thumb", args=["storm", other.sha256, 320])
    assert colours(plain) == colours(f"{plain}?shown=1")
    tags = {client.get(url)["ETag"] for url in (address, f"{address}?shown=1")}
    assert len(tags) == 2
    assert (
        client.get(reverse("imagery:file", args=["storm", first(made).sha256])).status_code == 200
    )


def test_a_list_is_renamed_and_switched(client: Client, made, brought, analyst) -> None:
    client.force_login(analyst)
    client.post(place("list-change", brought), {"name": "  Seen   before ", "action": "watch"})
    brought.refresh_from_db()
    assert (brought.name, brought.action) == ("Seen before", "watch")
    address = reverse("imagery:thumb", args=["storm", first(made).sha256, 320])
    assert "covered" not in client.get(address)["ETag"]


def test_a_list_is_removed(client: Client, made, brought, owner) -> None:
    client.force_login(owner)
    client.post(place("list-remove", brought))
    assert not HashList.objects.exists() and not KnownMatch.objects.exists()
    assert "No list yet" in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"file": file("")}, "is empty"),
        ({"file": ""}, "required"),
        ({"action": "burn"}, "burn"),
        ({"name": "Not ours to show"}, "already"),
        ({"name": "x" * 121}, "120 characters"),
    ],
)
def test_what_is_wrong_is_named(client: Client, made, brought, owner, fields, word) -> None:
    client.force_login(owner)
    given = {"file": file("0" * 64), "name": "new", "action": "watch"} | fields
    answer = client.post(PAGE, given)
    assert answer.status_code == 422 and word in answer.content.decode()
    assert HashList.objects.count() == 1


def test_adding_and_changing_say_what_is_wrong(client: Client, made, brought, owner) -> None:
    client.force_login(owner)
    answer = client.post(place("list-add", brought), {"file": file("")}, follow=True)
    assert "is empty" in answer.content.decode()
    HashList.objects.filter(pk=brought.pk).update(state="reading")
    answer = client.post(place("list-add", brought), {"file": file("0" * 64)}, follow=True)
    assert "wait until it is done" in answer.content.decode()
    answer = client.post(place("list-change", brought), {"name": "", "action": "x"}, follow=True)
    assert "required" in answer.content.decode()


def test_tables(client: Client, made, brought, viewer) -> None:
    client.force_login(viewer)

    def table(name: str) -> list[list[str]]:
        answer = client.get(place(name, brought))
        assert answer["Content-Type"].startswith("text/csv")
        return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))

    assert table("list-hashes") == [
        ["hash", "quality", "name"], [first(made).pdq, "90", "'=cmd"]
    ]  # fmt: skip
    header, row = table("list-matches")
    told = dict(zip(header, row, strict=True))
    assert told["sha256"] == first(made).sha256 and told["bits"] == "0" and told["rank"] == "1"


@pytest.mark.parametrize("who", ["viewer", "annotator", "stranger"])
def test_only_owners_and_analysts_change_lists(client: Client, made, brought, who, request) -> None:
    client.force_login(request.getfixturevalue(who))
    want = 200 if who == "viewer" else 404
    for name in ("list", "list-hashes", "list-matches"):
        assert client.get(place(name, brought)).status_code == want
    assert client.get(PAGE).status_code == want
    for name in ("list-add", "list-change", "list-remove"):
        assert client.post(place(name, brought), {"file": file("0" * 64)}).status_code == 404
    assert client.post(PAGE, {"file": file("0" * 64), "action": "watch"}).status_code == 404
    assert HashList.objects.count() == 1


def test_lists_of_another_event_are_not_there(client: Client, made, brought, owner) -> None:
    other = Event.objects.create(slug="flood", name="Flood")
    other.memberships.create(user=owner, role="owner")
    client.force_login(owner)
    for name in ("list", "list-hashes", "list-matches"):
        url = reverse(f"imagery:{name}", args=["flood", brought.pk])
        assert client.get(url).status_code == 404


def test_queries_stay_few(
    client: Client, made, brought, owner, django_assert_num_queries,
    django_capture_on_commit_callbacks,
) -> None:  # fmt: skip
    client.force_login(owner)
    for name in ("a", "b", "c"):
        with django_capture_on_commit_callbacks(execute=True):
            bring(client, made, name=name)
    # session, person, event, lists, counts, best, cards, marks, role, doubts; the bar: import, job
    with django_assert_num_queries(12):
        client.get(PAGE)
    # session, person, event, list, cards, marks, count, role, doubts; the bar: import, job
    with django_assert_num_queries(11):
        client.get(place("list", brought))

"""The groups of an event at any similarity, and one group inside."""

import csv
import io
import json
import re

import pytest

from imagery import groups
from imagery.models import Account, Event, Image, Post, UniqueImage, Vector
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/e/storm/groups/"
PART = {"HX-Request": "true"}


@pytest.fixture
def made(event) -> Event:
    return factories.organised(event, 12)


@pytest.fixture
def lead(made) -> int:
    return int(groups.at(made).lead[0])


def cards(response) -> int:
    return response.content.decode().count('class="group-card"')


def test_the_page_shows_the_groups(client, viewer, made):
    client.force_login(viewer)
    response = client.get(PAGE)
    html = response.content.decode()
    assert response.status_code == 200
    assert cards(response) == 4
    assert "harbor" in html and "80.0 %" in html
    first = response.context["page"].cards[0]
    assert (first.n_posts, first.n_members) == (24 + 12 + 8, 3)
    assert (first.best_rank, first.worst_rank) == (1, 3)
    assert first.mean_rank == 2.0
    plot = json.loads(re.search(r'id="theta-plot"[^>]*>(.*?)</script>', html)[1])
    assert len(plot["thetas"]) == len(plot["n_groups"]) == len(plot["largest"])
    assert plot["n_groups"][plot["thetas"].index(0.8)] == 4


def test_a_mosaic_has_areas_by_posts(client, viewer, made):
    client.force_login(viewer)
    tiles = client.get(PAGE).context["page"].cards[0].tiles
    areas = [tile.rect.w * tile.rect.h for tile in tiles]
    assert areas == pytest.approx([24 / 44, 12 / 44, 8 / 44])


def test_any_similarity_is_another_cut(client, viewer, made):
    client.force_login(viewer)
    assert cards(client.get(PAGE, {"similarity": "0.99"})) == 12
    assert cards(client.get(PAGE, {"similarity": "0,5"})) == 1


@pytest.mark.parametrize(
    "asked", ["abc", "nan", "inf", "7", "-1", "0.44", "1e400", "९", "0.8; drop"]
)
def test_a_wrong_similarity_is_said_and_the_own_one_shown(client, viewer, made, asked):
    client.force_login(viewer)
    response = client.get(PAGE, {"similarity": asked})
    assert response.status_code == 200
    assert cards(response) == 4
    assert response.context["theta"] == 0.8
    assert "Shown at 0.8." in response.content.decode()


def test_orders_and_the_least_number_of_members(client, viewer, made):
    client.force_login(viewer)
    page = client.get(PAGE, {"order": "first"}).context["page"]
    assert [card.first_at for card in page.cards] == sorted(card.first_at for card in page.cards)
    assert cards(client.get(PAGE, {"min": "4"})) == 0
    assert "No group has so many" in client.get(PAGE, {"min": "4"}).content.decode()
    for wild in ({"order": "x'"}, {"min": "-3"}, {"after": "९९"}, {"min": "9" * 30}):
        assert client.get(PAGE, wild).status_code == 200


def test_more_groups_come_by_their_cursor(client, viewer, event):
    made = factories.organised(event, 30)
    client.force_login(viewer)
    first = client.get(PAGE, {"similarity": "0.99"})
    assert cards(first) == 24
    more = re.search(r'data-endless href="([^"]+)"', first.content.decode())[1]
    second = client.get(more.replace("&amp;", "&"), headers=PART)
    assert cards(second) == 6
    assert "<html" not in second.content.decode()
    assert "data-endless" not in second.content.decode()
    shown = [card.lead.id for page in (first, second) for card in page.context["page"].cards]
    assert sorted(shown) == sorted(
        UniqueImage.objects.filter(event=made).values_list("pk", flat=True)
    )
    assert "HX-Request" in first["Vary"]


def test_an_event_without_groups_says_what_to_do(client, viewer, event):
    client.force_login(viewer)
    response = client.get(PAGE)
    assert response.status_code == 200
    assert "No posts yet" in response.content.decode()
    assert event.get_absolute_url() in response.content.decode()


def test_the_page_says_when_there_are_no_weights(client, viewer, made):
    Event.objects.update(embedder="classic@1", embedder_note="The network could not be had.")
    client.force_login(viewer)
    html = client.get(PAGE).content.decode()
    assert "The network could not be had." in html
    assert "IMAGERY_WEIGHTS_DIR" in html


def test_strangers_and_annotators_find_nothing(client, stranger, annotator, made, lead):
    for user in (stranger, annotator):
        client.force_login(user)
        for address in (PAGE, f"{PAGE}{lead}/", f"{PAGE}{lead}/members.csv"):
            assert client.get(address).status_code == 404


def test_queries_stay_few(client, viewer, event, django_assert_num_queries):
    factories.organised(event, 30)
    client.force_login(viewer)
    client.get(PAGE)
    # session, user, event, tree, unique, moved out, pictures, names
    with django_assert_num_queries(8):
        assert cards(client.get(PAGE, {"similarity": "0.99"}, headers=PART)) == 24
    with django_assert_num_queries(13):  # and the plot (2), editor?, progress (2)
        client.get(PAGE, {"similarity": "0.99"})


def test_an_editor_makes_a_similarity_the_events_own(client, analyst, made, monkeypatch):
    started = []
    monkeypatch.setattr("imagery.pipeline.start", started.append)
    client.force_login(analyst)
    response = client.post(f"{PAGE}similarity/", {"similarity": "0.73"}, follow=True)
    assert response.redirect_chain[-1][0].endswith("?similarity=0.73")
    assert Event.objects.get().similarity == 0.73
    assert started == [made.pk]
    assert "0.73" in response.content.decode()


@pytest.mark.parametrize("asked", ["", "abc", "nan", "7"])
def test_a_wrong_similarity_is_not_kept(client, analyst, made, monkeypatch, asked):
    monkeypatch.setattr("imagery.pipeline.start", lambda pk: pytest.fail("started"))
    client.force_login(analyst)
    response = client.post(f"{PAGE}similarity/", {"similarity": asked}, follow=True)
    assert Event.objects.get().similarity == 0.8
    assert "want" in response.content.decode()


def test_a_viewer_may_not_keep_one(client, viewer, made):
    client.force_login(viewer)
    assert client.post(f"{PAGE}similarity/", {"similarity": "0.73"}).status_code == 404
    assert client.get(f"{PAGE}similarity/").status_code == 405
    assert "event’s own</button>" not in client.get(PAGE).content.decode()
    assert Event.objects.get().similarity == 0.8


def test_a_group_shows_its_members(client, viewer, made, lead):
    client.force_login(viewer)
    response = client.get(f"{PAGE}{lead}/")
    members = response.context["members"]
    assert [member.card.n_posts for member in members] == [24, 12, 8]
    assert [member.card.rank for member in members] == [1, 2, 3]
    assert response.context["share"] == pytest.approx(44 / made.n_image_posts)
    assert [member.curve.path != "" for member in members] == [True] * 3
    why = response.context["shared"]
    assert (why[0].name, why[0].n_members) == ("harbor", 3)
    assert why[0].mean == pytest.approx((0.8 + 0.79 + 0.78) / 3)


def test_any_member_names_its_group(client, viewer, made, lead):
    client.force_login(viewer)
    members = groups.at(made).members_of(0).tolist()
    pages = [client.get(f"{PAGE}{pk}/").context["card"].lead.id for pk in members]
    assert pages == [lead] * 3
    alone = client.get(f"{PAGE}{members[1]}/", {"similarity": "0.99"})
    assert alone.context["card"].n_members == 1
    assert "nothing else" in alone.content.decode()


def test_similarity_to_the_lead_comes_from_vectors(client, viewer, made, lead):
    for step, pk in enumerate(groups.at(made).members_of(0).tolist()):
        image = Image.objects.get(represents=pk)
        values = bytes(memoryview((b"\x00\x00", b"\x00\x38", b"\x00\x40")[step]))  # 0, 0.5, 2
        Vector.objects.create(image=image, layer="snc", embedder=made.embedder, values=values)
    client.force_login(viewer)
    members = client.get(f"{PAGE}{lead}/").context["members"]
    assert [m.similarity for m in members] == pytest.approx([1, 1 / 1.5, 1 / 3])
    assert "through others" in client.get(f"{PAGE}{lead}/").content.decode()


@pytest.mark.parametrize("pk", [0, 10**12, 10**30])
def test_a_group_that_is_not_there_is_404(client, viewer, made, pk):
    client.force_login(viewer)
    assert client.get(f"{PAGE}{pk}/").status_code == 404
    assert client.get(f"{PAGE}{pk}/members.csv").status_code == 404


def test_another_events_picture_names_no_group(client, viewer, made):
    other = factories.organised(Event.objects.create(slug="other", name="Other"), 3)
    pk = UniqueImage.objects.filter(event=other).first().pk
    client.force_login(viewer)
    assert client.get(f"{PAGE}{pk}/").status_code == 404


def test_a_groups_queries_stay_few(client, viewer, made, lead, django_assert_num_queries):
    client.force_login(viewer)
    client.get(f"{PAGE}{lead}/")
    # session, user, event, tree, unique, members, vectors, timeline, mosaic, classes, progress (2)
    with django_assert_num_queries(15):
        client.get(f"{PAGE}{lead}/")


def test_members_can_be_taken_away(client, viewer, made, lead):
    client.force_login(viewer)
    response = client.get(f"{PAGE}{lead}/members.csv")
    assert response["Content-Disposition"] == f'attachment; filename="storm-group-{lead}.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [int(row["posts"]) for row in rows] == [24, 12, 8]
    assert rows[0]["id"] == str(lead)
    assert Account.objects.count() and Post.objects.count()  # the event is not empty


def test_only_the_first_of_many_groups_is_drawn_larger(client, viewer, event):
    """Said by the server: where the rest decided it, cards would move while the page comes."""
    factories.organised(event, 30)
    client.force_login(viewer)
    whole = {"similarity": "0.99"}
    assert client.get(PAGE, whole).content.decode().count("data-lead") == 1
    assert "data-lead" not in client.get(PAGE, whole | {"after": "24"}).content.decode()
    assert "data-lead" not in client.get(PAGE, whole | {"min": "99"}).content.decode()

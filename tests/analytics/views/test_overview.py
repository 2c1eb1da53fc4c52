"""What happened here?"""

import pytest
from django.test import Client
from django.urls import reverse

from imagery.models import Event, Job
from tests.factories import organised

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:event", args=["storm"])
CURVE = reverse("analytics:curve-json", args=["storm"])


def test_the_reduction_and_the_pictures_are_shown(client: Client, event, viewer) -> None:
    event = organised(event)
    client.force_login(viewer)
    page = client.get(PAGE)
    words = page.content.decode()
    for count in (event.n_posts, event.n_image_posts, event.n_links, event.n_unique):
        assert f'num">{count:,}</strong>' in words
    cards = page.context["most_posted"]
    assert [card.rank for card in cards] == list(range(1, 13))
    assert words.count('class="picture"') == 12 + len(page.context["rising"])
    assert "404 Not Found" in words  # the failure's reason
    assert "Process" not in words  # a viewer cannot


def test_rising_pictures_are_in_order_of_growth(client: Client, event, viewer) -> None:
    organised(event)
    event.unique_images.update(growth=1)
    event.unique_images.filter(rank=3).update(growth=14)
    client.force_login(viewer)
    card, note = client.get(PAGE).context["rising"][0]
    assert (card.rank, note) == (3, "× 14")


def test_an_empty_event_says_what_to_do(client: Client, event, analyst, viewer) -> None:
    client.force_login(analyst)
    page = client.get(PAGE).content.decode()
    assert "No posts yet" in page
    assert reverse("imagery:import", args=["storm"]) in page
    assert "manage.py import_posts storm" in page


def test_notices(client: Client, event, viewer) -> None:
    organised(event, 3)
    Event.objects.filter(pk=event.pk).update(is_made=True, embedder_note="no network <here>")
    Job.objects.create(event=event, stage="group", state="failed", message="out of memory")
    client.force_login(viewer)
    page = client.get(PAGE).content.decode()
    assert "This event is made." in page
    assert "no network &lt;here&gt;" in page
    assert "mobilenet_v2.pth" in page
    assert "Grouping stopped." in page
    assert "out of memory" in page


def test_a_job_that_failed_long_ago_is_forgotten(client: Client, event, viewer) -> None:
    Job.objects.create(event=event, stage="group", state="failed", message="out of memory")
    Job.objects.create(event=event, stage="rollup", state="done")
    client.force_login(viewer)
    assert "stopped." not in client.get(PAGE).content.decode()


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_others_are_told_nothing_is_there(client: Client, event, who, request) -> None:
    client.force_login(request.getfixturevalue(who))
    assert client.get(PAGE).status_code == 404
    assert client.get(CURVE).status_code == 404


def test_missing_event(client: Client, owner) -> None:
    client.force_login(owner)
    assert client.get(reverse("imagery:event", args=["nowhere"])).status_code == 404


@pytest.mark.parametrize("n", [3, 12])
def test_queries(client: Client, event, viewer, n, django_assert_num_queries) -> None:
    organised(event, n)
    client.force_login(viewer)
    # session, person, event, role, two rows of pictures, failures, two of waiting, last job,
    # collections that are on; the bar asks for an import and a job
    with django_assert_num_queries(14):
        client.get(PAGE)


def test_the_curve_and_its_peaks(client: Client, event, viewer) -> None:
    event = organised(event)
    client.force_login(viewer)
    line = client.get(CURVE).json()
    assert sum(line["posts"]) == event.n_posts
    assert sum(line["image_posts"]) == event.n_image_posts
    assert len(line["at"]) == len(line["posts"])
    assert line["start"] <= line["at"][0] < line["at"][-1] <= line["end"]
    first = line["peaks"][0]
    assert first["url"] == reverse("imagery:image", args=["storm", first["id"]])
    assert first["posts"] in line["posts"]


def test_the_curve_is_in_the_events_zone(client: Client, event, viewer) -> None:
    organised(event, 3)
    Event.objects.filter(pk=event.pk).update(timezone="America/Puerto_Rico")
    client.force_login(viewer)
    line = client.get(CURVE).json()
    assert line["start"].startswith("2017-09-20T06:00")  # 10:00 UTC
    assert line["zone"] == "America/Puerto_Rico"


def test_an_empty_curve(client: Client, event, viewer) -> None:
    client.force_login(viewer)
    line = client.get(CURVE).json()
    assert (line["at"], line["peaks"], line["start"]) == ([], [], None)


def test_while_an_event_is_organised_its_posts_and_files_are_shown(
    client: Client, event, analyst
) -> None:
    made = organised(event, 3)
    n_files = made.images.filter(phash__gt="").count()
    made.unique_images.all().delete()
    Event.objects.filter(pk=event.pk).update(organised_at=None, n_images=0, n_unique=0, n_groups=0)
    Job.objects.create(event=event, stage="look", state="running", n_total=9)
    client.force_login(analyst)
    answer = client.get(PAGE)
    page = answer.content.decode()
    assert page.count("to come") == 3
    assert len(answer.context["arriving"]) == n_files > 0
    assert 'hx-select="#arriving"' in page  # it looks again by itself
    assert "waiting to be looked at" not in page  # no person is needed for that

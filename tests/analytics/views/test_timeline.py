import csv
import io
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from imagery.models import Event, UniqueImage
from tests import factories

PAGE = reverse("analytics:timeline", args=["storm"])
DATA = reverse("analytics:timeline-json", args=["storm"])
TABLE = reverse("analytics:timeline-csv", args=["storm"])


@pytest.fixture
def organised(event: Event) -> Event:
    return factories.organised(event)


def text(response) -> str:
    return response.content.decode()


def test_shows_the_pictures_of_each_interval(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    response = client.get(PAGE)
    assert response.status_code == 200
    columns = response.context["columns"]
    assert sum(column.part.n_posts for column in columns) == organised.n_posts
    top = UniqueImage.objects.get(rank=1)
    first = columns[0].cards[0]
    assert first.id == top.pk
    assert first.n_posts == columns[0].part.top[0][1]  # its posts there, not all of them
    assert reverse("imagery:image", args=["storm", top.pk]) in text(response)
    assert "<table>" in text(response)


def test_only_members_who_may_see(client: Client, organised: Event, stranger, annotator) -> None:
    for url in (PAGE, DATA, TABLE):
        client.logout()
        assert client.get(url).status_code == 302
        for user in (stranger, annotator):
            client.force_login(user)
            assert client.get(url).status_code == 404


def test_missing_event(client: Client, viewer) -> None:
    client.force_login(viewer)
    assert client.get(reverse("analytics:timeline", args=["calm"])).status_code == 404


@pytest.mark.parametrize(
    ("query", "offender"),
    [
        ("interval=2h", "2h"),
        ("order=best", "best"),
        ("top=many", "many"),
        ("top=51", "51"),
        ("top=²", "²"),
        ("start=yesterday", "yesterday"),
        ("end=2017-13-01", "2017-13-01"),
        ("start=2017-09-21&end=2017-09-20", "2017-09-20"),
    ],
)
def test_bad_input_is_named_and_the_whole_shown(
    client: Client, organised: Event, viewer, query: str, offender: str
) -> None:
    client.force_login(viewer)
    response = client.get(f"{PAGE}?{query}")
    assert response.status_code == 400
    assert offender in response.context["error"]
    assert response.context["columns"]
    assert response.context["data"] == DATA and response.context["csv"] == TABLE
    assert offender in client.get(f"{DATA}?{query}").json()["error"]
    assert client.get(f"{TABLE}?{query}").status_code == 400


def test_url_holds_the_state(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    query = "interval=15min&start=2017-09-20T11:00Z&end=2017-09-20T13:00Z&order=new&top=3"
    response = client.get(f"{PAGE}?{query}")
    made = response.context["timeline"]
    assert (made.interval, made.order, made.limit) == ("15min", "new", 3)
    assert made.start == datetime(2017, 9, 20, 11, tzinfo=UTC)
    assert made.end == datetime(2017, 9, 20, 13, tzinfo=UTC)
    on = [
        chip.label for chips in response.context["chips"].values() for chip in chips if chip.is_on
    ]
    assert on == ["15 min", "New", "3"]
    rising = next(chip for chip in response.context["chips"]["order"] if chip.label == "Rising")
    assert "interval=15min" in rising.href and "order=growth" in rising.href
    assert "start=2017-09-20T11%3A00Z" in response.context["csv"]


def test_times_without_a_zone_are_the_events_own(client: Client, organised: Event, viewer) -> None:
    Event.objects.update(timezone="America/Puerto_Rico")
    client.force_login(viewer)
    response = client.get(f"{PAGE}?start=2017-09-20T08:00&interval=1h")
    assert response.context["timeline"].start == datetime(2017, 9, 20, 12, tzinfo=UTC)
    assert "America/Puerto_Rico" in text(response)


def test_an_offset_may_come_unquoted(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    response = client.get(f"{PAGE}?start=2017-09-20T14:00+02:00&interval=1h")
    assert response.context["timeline"].start == datetime(2017, 9, 20, 12, tzinfo=UTC)


def test_empty_event_says_what_to_do(client: Client, event: Event, owner, viewer) -> None:
    client.force_login(owner)
    assert "No posts yet" in text(client.get(PAGE))
    assert reverse("imagery:import", args=["storm"]) in text(client.get(PAGE))
    client.force_login(viewer)
    assert "Import posts</a>" not in text(client.get(PAGE)).split('id="content"')[1]


def test_a_window_without_posts_leads_back(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    response = client.get(f"{PAGE}?start=2019-01-01&end=2019-02-01")
    assert response.status_code == 200
    assert "No posts then" in text(response) and "Show the whole span" in text(response)
    for query in ("end=0001-01-01T00:00", "start=9999-12-31T23:59"):
        assert "No posts then" in text(client.get(f"{PAGE}?{query}"))


def test_data_of_the_histogram(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    data = client.get(f"{DATA}?interval=1h").json()
    assert data["starts"][0] == "2017-09-20T10:00Z" and data["ends"][0] == data["starts"][1]
    assert sum(data["posts"]) == organised.n_posts
    assert sum(data["image_posts"]) == organised.n_image_posts
    assert len(data["top"]) == len(data["labels"]) == len(data["posts"])


def test_table_for_spreadsheets(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    response = client.get(f"{TABLE}?interval=1h&top=1")
    assert response["Content-Disposition"] == 'attachment; filename="storm-timeline.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert rows[0]["start"] == "2017-09-20T10:00:00+00:00"
    assert int(rows[0]["unique_image"]) == UniqueImage.objects.get(rank=1).pk
    assert sum(int(row["posts"]) for row in rows) == organised.n_posts


def test_query_count_does_not_grow_with_pictures(
    client: Client, organised: Event, viewer, django_assert_max_num_queries
) -> None:
    client.force_login(viewer)
    client.get(PAGE)
    for query in ("top=3", "top=10&interval=15min"):
        with django_assert_max_num_queries(10):
            client.get(f"{PAGE}?{query}")

"""Reduction and timeline over the API."""

import pytest
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from analytics import reduction, timelines
from imagery.models import Event, UniqueImage
from tests import factories

BASE = "/api/events/storm"


@pytest.fixture
def made(event: Event) -> Event:
    return factories.organised(event, n_unique=7)


def client_of(user) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    return client


@pytest.mark.django_db
def test_reduction(made: Event, viewer, django_assert_num_queries) -> None:
    client = client_of(viewer)
    with django_assert_num_queries(2):
        told = client.get(f"{BASE}/reduction/").json()
    assert told == {
        "posts": 67, "image_posts": 63, "urls": 14, "images": 13,
        "unique_images": 7, "near_images": 0, "groups": 3,
    }  # fmt: skip
    assert told == reduction.reduction(made)


@pytest.mark.django_db
def test_timeline_is_what_the_function_says(made: Event, viewer, django_assert_num_queries) -> None:
    client = client_of(viewer)
    client.get(f"{BASE}/timeline/")
    with django_assert_num_queries(5):
        told = client.get(f"{BASE}/timeline/?interval=1h&top=2").json()
    want = timelines.timeline(made, "1h", top=2)
    assert (told["interval"], told["top"], told["is_auto"]) == ("1h", 2, False)
    assert [(p["posts"], p["image_posts"]) for p in told["intervals"]] == [
        (p.n_posts, p.n_image_posts) for p in want.intervals
    ]
    assert [[(t["id"], t["posts"]) for t in p["top"]] for p in told["intervals"]] == [
        p.top for p in want.intervals
    ]
    assert sum(p["posts"] for p in told["intervals"]) == 67
    assert told["intervals"][0]["start"] == "2017-09-20T10:00:00Z"
    first = told["intervals"][0]["top"][0]
    sha256 = UniqueImage.objects.get(pk=first["id"]).representative.sha256
    assert first["sha256"] == sha256
    assert first["thumb"] == f"http://testserver{BASE}/thumbs/{sha256}/320.jpg"


@pytest.mark.django_db
def test_timeline_within_a_window_and_of_an_empty_event(made: Event, owner, viewer) -> None:
    client = client_of(owner)
    window = "start=2017-09-20T11:00:00Z&end=2017-09-20T12:00:00Z"
    told = client.get(f"{BASE}/timeline/?{window}&interval=15min&order=new").json()
    assert [p["start"][11:16] for p in told["intervals"]] == ["11:00", "11:15", "11:30", "11:45"]
    Event.objects.create(slug="calm", name="Calm").memberships.create(user=owner, role="viewer")
    told = client.get("/api/events/calm/timeline/").json()
    assert (told["intervals"], told["start"], told["first"]) == ([], None, None)


@pytest.mark.django_db
def test_a_parameter_that_makes_no_sense_is_named(made: Event, viewer) -> None:
    client = client_of(viewer)
    for query, name in {
        "interval=2h": "interval",
        "interval=%00": "interval",
        "order=random": "order",
        "top=0": "top",
        "top=51": "top",
        "start=now": "start",
        "end=0001-01-01T00:00:00%2B14:00": "end",
        "start=2017-09-21T00:00:00Z&end=2017-09-20T00:00:00Z": "end",
        "zoom=2": "zoom",
    }.items():
        answer = client.get(f"{BASE}/timeline/?{query}")
        assert answer.status_code == 400 and list(answer.json()) == [name], (query, answer.content)
    far = client.get(f"{BASE}/timeline/?start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z")
    assert far.status_code == 200 and len(far.json()["intervals"]) > 0


@pytest.mark.django_db
def test_whoever_may_not_see_the_event_is_told_nothing(made: Event, stranger, annotator) -> None:
    for user in (stranger, annotator):
        client = client_of(user)
        for path in ("reduction/", "timeline/"):
            assert client.get(f"{BASE}/{path}").status_code == 404
    assert APIClient().get(f"{BASE}/reduction/").status_code == 401

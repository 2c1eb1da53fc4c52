import csv
import io

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from imagery.models import Event, Link, UniqueImage
from tests import factories

PAGE = reverse("analytics:top", args=["storm"])
TABLE = reverse("analytics:top-csv", args=["storm"])


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def organised(event: Event) -> Event:
    return factories.organised(event)


def text(response) -> str:
    return response.content.decode()


def test_three_rankings_side_by_side(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    response = client.get(PAGE)
    assert response.status_code == 200
    links, unique, groups = (ranking for _, _, ranking in response.context["columns"])
    assert [len(ranking.rows) for ranking in (links, unique, groups)] == [10, 10, 4]
    assert unique.first_covered == 54
    top = UniqueImage.objects.get(rank=1)
    assert text(response).count(f'data-unique="{top.pk}" data-group="{top.pk}"') == 3
    assert reverse("imagery:group", args=["storm", top.pk]) in text(response)


def test_a_failed_link_says_why(client: Client, organised: Event, viewer) -> None:
    client.force_login(viewer)
    assert "The server answered 404 Not Found" in text(client.get(f"{PAGE}?n=50"))


def test_addresses_are_escaped(client: Client, organised: Event, viewer) -> None:
    Link.objects.order_by("-n_posts").update(url='https://x.example/"><script>alert(1)</script>')
    client.force_login(viewer)
    assert "<script>alert" not in text(client.get(PAGE))


def test_only_members_who_may_see(client: Client, organised: Event, stranger, annotator) -> None:
    for url in (PAGE, TABLE):
        client.logout()
        assert client.get(url).status_code == 302
        for user in (stranger, annotator):
            client.force_login(user)
            assert client.get(url).status_code == 404


def test_missing_event(client: Client, viewer) -> None:
    client.force_login(viewer)
    assert client.get(reverse("analytics:top", args=["calm"])).status_code == 404


@pytest.mark.parametrize("n", ["7", "0", "-5", "all", "5.0", "٥"])
def test_bad_number_is_named(client: Client, organised: Event, viewer, n: str) -> None:
    client.force_login(viewer)
    response = client.get(PAGE, {"n": n})
    assert response.status_code == 400
    assert repr(n) in response.context["error"]
    assert client.get(TABLE, {"n": n}).status_code == 400


@pytest.mark.parametrize(("n", "rows"), [(5, [5, 5, 4]), (25, [23, 12, 4])])
def test_number_of_rows(client: Client, organised: Event, viewer, n: int, rows: list[int]) -> None:
    client.force_login(viewer)
    columns = client.get(PAGE, {"n": n}).context["columns"]
    assert [len(ranking.rows) for _, _, ranking in columns] == rows


def test_empty_event_says_what_to_do(client: Client, event: Event, owner) -> None:
    client.force_login(owner)
    assert "No posts yet" in text(client.get(PAGE))
    Event.objects.update(n_posts=3)
    assert "posts carries a picture" in text(client.get(PAGE))
    Event.objects.update(n_image_posts=2)
    assert "still being organised" in text(client.get(PAGE))


def test_table_for_spreadsheets(client: Client, organised: Event, viewer) -> None:
    Link.objects.filter(state=Link.State.FAILED).update(url="=HYPERLINK(1)", n_posts=99)
    client.force_login(viewer)
    response = client.get(TABLE, {"n": 5})
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [row["ranking"] for row in rows] == ["links"] * 5 + ["unique"] * 5 + ["groups"] * 4
    assert rows[0]["link"] == "'=HYPERLINK(1)"
    assert rows[5]["posts"] == "24" and rows[9]["covered_posts_so_far"] == "54"


def test_query_count_does_not_grow_with_rows(
    client: Client, organised: Event, viewer, django_assert_max_num_queries
) -> None:
    client.force_login(viewer)
    client.get(PAGE)  # arrays are held from then on
    for n in (5, 50):
        with django_assert_max_num_queries(14):
            client.get(PAGE, {"n": n})

"""A walk over pages equals the whole, in every order, and stays so when rows come in between."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError
from rest_framework.test import APIClient

from imagery.api import pagination
from imagery.api.pictures import ORDERS
from imagery.models import Event, Link, Post, UniqueImage
from tests import factories


def walk(client: APIClient, path: str, limit: int, **query: object) -> list[dict]:
    """All rows, page by page, following `next` as it is given."""
    url, rows = f"/api/events/storm/{path}?{urlencode({'limit': limit, **query})}", []
    for _ in range(200):
        page = client.get(url).json()
        assert len(page["results"]) <= limit
        rows += page["results"]
        if page["next"] is None:
            return rows
        assert page["next"].startswith("http://testserver/api/events/storm/")
        assert len(page["results"]) == limit
        url = page["next"]
    raise AssertionError(f"{path} does not end")


@pytest.mark.django_db
def test_images_in_every_order(made: Event, client: APIClient) -> None:
    UniqueImage.objects.filter(event=made, rank__gt=5).update(
        first_posted_at=None, last_posted_at=None, growth=1.25
    )
    for ordering in ORDERS:
        want = expected(made, ordering)
        for limit in (3, 200):
            rows = walk(client, "images/", limit, ordering=ordering)
            assert [row["id"] for row in rows] == want, (ordering, limit)


def expected(event: Event, ordering: str) -> list[int]:
    """Ids in that order, sorted here: nulls at the end of it, equal ones by id."""
    name = ordering.lstrip("-")
    field = {"copies": "n_copies", "accounts": "n_accounts"}.get(name, name)
    turn = -1 if ordering.startswith("-") else 1

    def key(row: tuple) -> tuple:
        pk, value = row
        if value is None:
            return (float("inf"), pk)
        return (turn * (value.timestamp() if isinstance(value, datetime) else value), pk)

    found = UniqueImage.objects.filter(event=event).values_list("pk", field)
    return [pk for pk, _ in sorted(found, key=key)]


@pytest.mark.django_db
def test_other_lists(made: Event, client: APIClient) -> None:
    for _ in range(5):
        made.jobs.create(stage="fetch", state="done")
    for i in range(4):
        made.imports.create(filename=f"{i}.csv", path="/nowhere")
    for path, n in {"urls/": 14, "posts/": 67, "jobs/": 5, "imports/": 4, "groups/": 3}.items():
        whole = walk(client, path, 200)
        assert len(whole) == n, path
        assert walk(client, path, 4) == whole, path


@pytest.mark.django_db
def test_events_by_slug(owner, client: APIClient, event: Event) -> None:
    for slug in ("a", "z", "storm-2"):
        Event.objects.create(slug=slug, name=slug).memberships.create(user=owner, role="viewer")
    first = client.get("/api/events/?limit=2").json()
    second = client.get(first["next"]).json()
    assert [e["slug"] for e in first["results"] + second["results"]] == [
        "a", "storm", "storm-2", "z",
    ]  # fmt: skip
    assert second["next"] is None


@pytest.mark.django_db
def test_members_and_copies(made: Event, client: APIClient) -> None:
    lead = UniqueImage.objects.get(event=made, rank=1)
    members = UniqueImage.objects.filter(group=lead).order_by("rank")
    assert [r["id"] for r in walk(client, f"groups/{lead.pk}/", 1)] == [m.pk for m in members]
    unique = UniqueImage.objects.filter(event=made, n_copies=3).first()
    copies = walk(client, f"images/{unique.pk}/copies/", 2)
    assert [c["sha256"] for c in copies] == [
        c.sha256 for c in unique.copies.order_by("pk")
    ] and len(copies) == 3  # fmt: skip


@pytest.mark.django_db
def test_groups_at_any_similarity_walk_equals_whole(made: Event, client: APIClient) -> None:
    assert [r["members"] for r in walk(client, "groups/", 1, similarity=0.45)] == [7]
    for similarity, n in ((0.8, 3), (0.97, 7)):
        rows = walk(client, "groups/", 2, similarity=similarity)
        assert rows == walk(client, "groups/", 50, similarity=similarity)
        assert len(rows) == n
        assert [r["posts"] for r in rows] == sorted((r["posts"] for r in rows), reverse=True)


@pytest.mark.django_db
def test_rows_that_come_in_between_shift_nothing(made: Event, client: APIClient) -> None:
    before = [row["id"] for row in walk(client, "urls/", 200)]
    first = client.get("/api/events/storm/urls/?limit=5").json()
    factories.link(made, "https://pictures.example/new-top.jpg", n_posts=10_000)
    factories.link(made, "https://pictures.example/new-last.jpg", n_posts=0)
    seen = [row["id"] for row in first["results"]]
    url = first["next"]
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    new_last = Link.objects.get(url__endswith="new-last.jpg").pk
    assert [pk for pk in seen if pk != new_last] == before


@pytest.mark.django_db
def test_posts_of_the_same_moment_are_each_told_once(made: Event, client: APIClient) -> None:
    at = factories.START + timedelta(microseconds=17)
    Post.objects.filter(event=made).update(posted_at=at)
    Post.objects.filter(pk=Post.objects.earliest("pk").pk).update(
        posted_at=F("posted_at") + timedelta(microseconds=1)
    )
    for ordering in ("posted_at", "-posted_at"):
        ids = [row["id"] for row in walk(client, "posts/", 7, ordering=ordering)]
        assert len(ids) == len(set(ids)) == Post.objects.count()


@pytest.mark.django_db
def test_a_cursor_belongs_to_its_order(made: Event, client: APIClient) -> None:
    cursor = client.get("/api/events/storm/images/?limit=1").json()["next"]
    refused = client.get(cursor + "&ordering=-growth")
    assert refused.status_code == 400 and "another order" in refused.json()["cursor"][0]
    cursor = client.get("/api/events/storm/groups/?limit=1&similarity=0.8").json()["next"]
    assert client.get(cursor.replace("0.8", "0.9")).status_code == 400


@given(
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_any_text_is_refused_as_a_cursor(text: str) -> None:
    for kind in (int, float, str, datetime):
        with pytest.raises(ValidationError):
            pagination.decode(text, "rank", (kind, int))


WILD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@given(st.lists(WILD, min_size=2, max_size=2))
def test_forged_cursors_hold_values_a_database_takes_or_are_refused(values: list) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["rank", *values]).encode()).decode()
    for kind in (int, float, str, datetime):
        try:
            value, pk = pagination.decode(cursor, "rank", (kind, int))
        except ValidationError:
            continue
        assert abs(pk) < 2**63
        assert value.tzinfo if kind is datetime else True
        assert "\0" not in value if kind is str else True
        assert abs(value) < 2**63 if kind in (int, float) else True


@pytest.mark.parametrize(
    "value", [0, -5, 2**62, 0.1, 1.5e-9, "storm", datetime(2017, 9, 20, 10, 0, 0, 123, UTC)]
)
def test_what_is_put_in_comes_out(value: object) -> None:
    cursor = pagination.encode("x", [value, 7])
    assert pagination.decode(cursor, "x", (type(value), int)) == [value, 7]

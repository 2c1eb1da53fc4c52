"""What makes no sense is answered 400 by the name of the parameter, and never 5xx."""

import pytest

from imagery.models import Event

HUGE = "9" * 400
BAD = [
    ("images/?colour=red", "colour"),
    ("images/?limit=0", "limit"),
    ("images/?limit=201", "limit"),
    (f"images/?limit={HUGE}", "limit"),
    ("images/?limit=ten", "limit"),
    ("images/?limit=%00", "limit"),
    ("images/?min_posts=-1", "min_posts"),
    (f"images/?min_posts={HUGE}", "min_posts"),
    ("images/?min_copies=1.5", "min_copies"),
    (f"images/?group={2**63}", "group"),
    ("images/?group=abc", "group"),
    ("images/?first_after=yesterday", "first_after"),
    ("images/?first_before=2017-13-01T00:00:00Z", "first_before"),
    ("images/?first_before=0001-01-01T00:00:00%2B14:00", "first_before"),
    ("images/?ordering=id", "ordering"),
    ("images/?ordering=representative__sha256", "ordering"),
    ("images/?cursor=abc", "cursor"),
    ("images/?cursor=%00", "cursor"),
    ("images/?cursor=" + "A" * 600, "cursor"),
    ("images/1/?limit=5", "limit"),
    ("groups/?similarity=0.2", "similarity"),
    ("groups/?similarity=7", "similarity"),
    ("groups/?similarity=nan", "similarity"),
    ("groups/?similarity=inf", "similarity"),
    (f"groups/?similarity={HUGE}", "similarity"),
    ("groups/?similarity=abc", "similarity"),
    ("groups/1/?similarity=0", "similarity"),
    ("groups/?min_members=x", "min_members"),
    ("groups/?cursor=W10", "cursor"),
    ("urls/?state=lost", "state"),
    ("urls/?kind=a%00b", "kind"),
    ("urls/?image=1", "image"),
    ("posts/?image=0", "image"),
    (f"posts/?image={2**63 - 1}", "image"),
    ("posts/?after=2017-09-20T99", "after"),
    ("jobs/?state=lost", "state"),
    ("imports/?state=done", "state"),
    ("reduction/?a=1", "a"),
    ("?a=1", "a"),
]


@pytest.mark.django_db
def test_a_parameter_that_makes_no_sense_is_named(client, made: Event) -> None:
    for path, name in BAD:
        answer = client.get(f"/api/events/storm/{path}")
        assert answer.status_code == 400, (path, answer.status_code)
        assert list(answer.json()) == [name], path
        assert all(isinstance(told, str) and told for told in answer.json()[name]), path


@pytest.mark.django_db
def test_messages_say_what_is_wanted(client, made: Event) -> None:
    told = client.get("/api/events/storm/images/?colour=red").json()["colour"][0]
    assert "ordering" in told and "min_posts" in told
    told = client.get("/api/events/storm/groups/?similarity=7").json()["similarity"][0]
    assert "0.45" in told and "1.0" in told


@pytest.mark.django_db
def test_the_largest_numbers_find_nothing(client, made: Event) -> None:
    most = 2**63 - 1
    for path in (f"images/?min_posts={most}", f"images/?group={most}", f"urls/?min_posts={most}"):
        answer = client.get(f"/api/events/storm/{path}")
        assert answer.status_code == 200 and answer.json()["results"] == [], path


@pytest.mark.django_db
def test_what_is_not_there_is_404_in_json(client, event: Event) -> None:
    for path in (
        f"images/{HUGE}/", f"images/{'9' * 5000}/", "images/0/", f"groups/{HUGE}/",
        f"imports/{HUGE}/", "files/zz/", f"thumbs/{'a' * 64}/320.jpg", "nothing/", "images/1/x/",
    ):  # fmt: skip
        answer = client.get(f"/api/events/storm/{path}")
        assert answer.status_code == 404, path[:20]
        assert list(answer.json()) == ["detail"], path[:20]


@pytest.mark.django_db
def test_unknown_addresses_and_methods_answer_in_json(client, event: Event) -> None:
    for method in ("get", "post", "put", "delete"):
        answer = getattr(client, method)("/api/nothing/here/")
        assert answer.status_code == 404 and "/api/docs/" in answer.json()["detail"]
    for method in ("put", "post"):
        assert getattr(client, method)("/api/events/storm/images/").status_code == 405


@pytest.mark.django_db
def test_half_a_character_is_refused_before_it_is_told_back(client, event: Event) -> None:
    for body in (b'{"kind": "\\ud800"}', b'{"\\ud800": 1}'):
        path = "/api/events/storm/decisions/"
        answer = client.generic("POST", path, body, content_type="application/json")
        assert answer.status_code == 400 and "surrogate" in answer.json()["detail"]

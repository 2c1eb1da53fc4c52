"""Search by words and conditions: pictures, posts, and all that stands around them."""

import csv
import io

import pytest
from django.core.cache import cache

from imagery import text_index
from imagery.models import Event, Image, Membership, Post, UniqueImage
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/e/storm/search/"
PART = {"HX-Request": "true"}


@pytest.fixture
def made(event) -> Event:
    return factories.organised(event, 6)  # 24, 12, 8, 6, 4, 4 posts


@pytest.fixture
def client(client, viewer, made):
    cache.clear()
    client.force_login(viewer)
    return client


def found(response) -> list[tuple[int, int | None]]:
    """(rank, posts found) of the pictures."""
    return [(one.card.rank, one.n_found) for one in response.context["found"]]


def said(response) -> list[str]:
    return [post.text for post, _ in response.context["rows"]]


def test_without_words_every_picture_by_rank(client):
    response = client.get(PAGE)
    assert response.status_code == 200
    assert found(response) == [(rank, None) for rank in range(1, 7)]
    assert response.context["n_posts"].n == 24 + 12 + 8 + 6 + 4 + 4 + 6


def test_pictures_rank_by_the_posts_found(client):
    response = client.get(PAGE, {"q": "again 3"})
    assert [n for _, n in found(response)] == [6, 1, 1, 1, 1, 1]  # "Picture 3, again …" too
    response = client.get(PAGE, {"q": "#tag1"})
    assert found(response) == [(2, 12)]
    response = client.get(PAGE, {"q": '"picture 0" -"again 3"'})
    assert found(response) == [(1, 23)]
    assert "23 of 24" in response.content.decode()


def test_posts_are_marked_where_they_say_it(client):
    response = client.get(PAGE, {"q": '"PICTURE 5"', "show": "posts"})
    assert said(response) == [f"Picture 5, again {n} #storm" for n in range(4)]
    html = response.content.decode()
    assert "<mark>Picture 5</mark>, again" in html
    newest = client.get(PAGE, {"q": '"picture 5"', "show": "posts", "order": "newest"})
    assert said(newest) == said(response)[::-1]


def test_posts_turn_their_pages(client):
    seen, url = [], f"{PAGE}?q=storm&show=posts"
    while url:
        response = client.get(url, headers=PART)
        seen += [post.pk for post, _ in response.context["rows"]]
        after = response.context["following"]
        url = f"{PAGE}?q=storm&show=posts&next={after}" if after else ""
    assert len(seen) == len(set(seen)) == 24 + 12 + 8 + 6 + 4 + 4 + 4
    times = list(Post.objects.in_bulk(seen).values())
    by_time = sorted(times, key=lambda post: (post.posted_at, post.pk))
    assert [post.pk for post in by_time] == seen


@pytest.mark.parametrize("near", [3, 45, 1000])
def test_walking_by_time_finds_the_same(client, monkeypatch, near):
    """Of many posts the rows are walked; whichever way, the pages are the same."""
    from imagery import searching

    want = said(client.get(PAGE, {"q": "storm", "show": "posts", "posts": "5"}))
    monkeypatch.setattr(searching, "FEW", 5)
    monkeypatch.setattr(searching, "NEAR", near)
    assert said(client.get(PAGE, {"q": "storm", "show": "posts", "posts": "5"})) == want
    assert len(want) == 40


@pytest.mark.parametrize(
    ("asked", "ranks"),
    [
        ({"posts": "7"}, [1, 2, 3]),
        ({"copies": "3"}, [3, 6]),
        ({"blurry": "only"}, []),
        ({"blurry": "without", "posts": "20"}, [1]),
        ({"pixels": str(96 * 72)}, [1, 2, 3, 5, 6]),
        ({"account": "@person1", "q": "#tag4"}, [5]),
        ({"account": "nobody"}, []),
        ({"after": "2017-09-20T10:00", "before": "2017-09-20T10:30"}, [1]),
        ({"before": "2017-09-19"}, []),
        ({"pictured": "no"}, []),
        ({"lang": "es"}, []),
        ({"known": "any"}, []),
    ],
)  # fmt: skip
def test_conditions(client, asked, ranks):
    assert sorted(rank for rank, _ in found(client.get(PAGE, asked))) == ranks


def test_a_group_and_a_box(client, made):
    lead = UniqueImage.objects.filter(event=made, group__isnull=False).first().group_id
    assert len(found(client.get(PAGE, {"group": lead}))) == 3
    Post.objects.filter(text__startswith="Picture 2").update(lat=18.4, lon=-66.1, place="San Juan")
    assert found(client.get(PAGE, {"box": "-67,18,-65,19"})) == [(3, 8)]
    assert found(client.get(PAGE, {"place": "san juan", "q": "picture"})) == [(3, 8)]
    assert len(said(client.get(PAGE, {"box": "170,18,-65,19", "show": "posts"}))) == 8


def test_conditions_on_pictures_hold_for_posts(client):
    response = client.get(PAGE, {"copies": "3", "show": "posts", "q": "again"})
    assert response.context["n_posts"].n == 8 + 4
    assert response.context["n_posts"].n == len(said(response))
    assert len(said(client.get(PAGE, {"pictured": "no", "show": "posts"}))) == 4


def test_what_cannot_be_read_is_left_out_and_said(client):
    response = client.get(PAGE, {"after": "soon", "copies": "many", "box": "1,2"})
    html = response.content.decode()
    assert response.status_code == 200 and len(found(response)) == 6
    assert "“soon” is no time" in html and "“many” is no whole number" in html
    assert client.get(PAGE, {"show": "posts", "next": "nowhere"}).status_code == 400


def test_where_nothing_is_found_it_says_what_to_loosen(client):
    response = client.get(PAGE, {"q": "storm quiet", "copies": "2"})
    words = [words for words, _ in response.context["looser"]]
    assert words == ["without “versions ≥ 2”", "any of the words"]
    looser = dict(response.context["looser"])["any of the words"]
    assert found(client.get(f"{PAGE}?{looser}"))
    response = client.get(PAGE, {"q": "pict"})
    assert [w for w, _ in response.context["looser"]] == ["words that begin so"]
    response = client.get(PAGE, {"q": '"no picture here"'})
    assert "4 posts are found, none with a picture" in response.content.decode()


def test_posts_set_aside_count_nowhere(client):
    Post.objects.filter(text__startswith="Picture 1").update(selected=False)
    assert found(client.get(PAGE, {"q": "#tag1"})) == []
    assert client.get(PAGE, {"q": "#tag1"}).context["n_posts"].n == 0


def test_in_all_events_one_may_see(client, viewer, made):
    other = Event.objects.create(slug="flood", name="The flood")
    factories.organised(other, 2)
    hidden = Event.objects.create(slug="secret", name="Hidden event")
    factories.organised(hidden, 2)
    Membership.objects.create(event=other, user=viewer, role="viewer")
    response = client.get("/search/", {"q": "#tag1"})
    assert {one.event.slug for one in response.context["found"]} == {"storm", "flood"}
    html = response.content.decode()
    assert "The flood" in html and "Hidden" not in html and "/e/secret/" not in html
    posts = client.get("/search/", {"q": "#tag1", "show": "posts"})
    assert len(said(posts)) == 12 + 12
    rows = list(csv.reader(io.StringIO(body(client.get("/search.csv", {"q": "#tag1"})))))
    assert {row[0] for row in rows[1:]} == {"storm", "flood"}


def test_without_events(client, stranger):
    client.force_login(stranger)
    assert client.get("/search/", {"q": "storm"}).status_code == 200
    assert client.get(PAGE).status_code == 404
    assert len(body(client.get("/search.csv", {"q": "storm"})).splitlines()) == 1


def body(response) -> str:
    return b"".join(response.streaming_content).decode()


def test_what_was_found_as_tables(client):
    rows = list(csv.DictReader(io.StringIO(body(client.get("/e/storm/search.csv?q=%23tag1")))))
    assert [(row["posts_found"], row["posts"], row["rank"]) for row in rows] == [("12", "12", "2")]
    response = client.get("/e/storm/search.csv", {"q": "#tag1", "show": "posts"})
    assert len(list(csv.reader(io.StringIO(body(response))))) == 13
    assert client.get("/e/storm/search.csv", {"after": "soon"}).status_code == 400


@pytest.mark.skipif("not text_index.is_sqlite()", reason="PostgreSQL keeps its index itself")
def test_posts_that_wait_for_the_index_are_told(client, made):
    at = made.first_posted_at
    Post.objects.bulk_create([Post(event=made, platform="x", uid="late", posted_at=at, text="x")])
    assert "1 post that just came in is still to be indexed" in client.get(PAGE).content.decode()
    text_index.catch_up()


def test_a_search_that_takes_too_long_says_so(client, monkeypatch):
    def long(*args: object) -> None:
        raise text_index.TooLong

    monkeypatch.setattr("imagery.searching.ranking", long)
    response = client.get(PAGE, {"q": "storm"})
    assert response.status_code == 503 and "too much to look through" in response.content.decode()


def test_queries_are_few(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        client.get(PAGE, {"q": "storm", "copies": "2"})
    with django_assert_max_num_queries(20):
        client.get(PAGE, {"q": "storm", "show": "posts"})


def test_a_blurry_picture_can_be_asked_for(client, made):
    first = UniqueImage.objects.get(event=made, rank=1)
    Image.objects.filter(pk=first.representative_id).update(is_blurry=True)
    assert found(client.get(PAGE, {"blurry": "only", "q": "storm"})) == [(1, 24)]

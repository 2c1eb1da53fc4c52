"""One picture: its history, its versions, its posts to read and to take away."""

import csv
import io
import json
import re

import pytest

from imagery.models import Account, Event, Link, Post, UniqueImage
from tests import factories

pytestmark = pytest.mark.django_db
WILD = '<script>alert("x")</script>'


@pytest.fixture
def made(event) -> Event:
    return factories.organised(event, 12)


@pytest.fixture
def unique(made) -> UniqueImage:
    """The third: 8 posts, 3 files."""
    return UniqueImage.objects.get(event=made, rank=3)


def page(unique) -> str:
    return f"/e/storm/i/{unique.pk}/"


def text(response) -> str:
    return response.content.decode()


def test_the_page_tells_the_history(client, viewer, unique):
    client.force_login(viewer)
    response = client.get(page(unique))
    assert response.status_code == 200
    posts = response.context["posts"].posts
    assert len(posts) == unique.n_posts == 8
    assert [post.posted_at for post in posts] == sorted(post.posted_at for post in posts)
    assert response.context["first"].posted_at == unique.first_posted_at
    versions = response.context["history"].versions
    assert [version.image.distance for version in versions] == [0, 2, 4]
    assert [version.by for version in versions] == ["", "hash", "hash"]
    assert [version.n_posts for version in versions] == [3, 3, 2]
    assert versions[0].curve.startswith("M0")
    assert sum(row["n"] for row in response.context["accounts"]) == 8
    assert response.context["chart"].total == 8
    assert response.context["group"].n_members == 3
    assert "cut short" not in text(response) and "3 files: 2 near by hash." in text(response)


def test_a_post_with_two_versions_counts_once(client, viewer, made):
    second = UniqueImage.objects.get(event=made, rank=2)
    client.force_login(viewer)
    response = client.get(page(second))
    assert len(response.context["posts"].posts) == second.n_posts == 12
    assert sum(row["n"] for row in response.context["accounts"]) == 12


def test_neighbours_by_rank_and_by_likeness(client, viewer, unique, made):
    client.force_login(viewer)
    context = client.get(page(unique)).context
    by_rank = dict(UniqueImage.objects.filter(event=made).values_list("rank", "pk"))
    assert (context["before"], context["behind"]) == (by_rank[2], by_rank[4])
    near = context["nearest"]
    assert near[0].card.id in (by_rank[1], by_rank[2])
    assert near[0].similarity == pytest.approx(1 / 1.05, abs=1e-4)
    assert [n.similarity for n in near] == sorted((n.similarity for n in near), reverse=True)
    assert unique.pk not in [n.card.id for n in near]
    first = client.get(f"/e/storm/i/{by_rank[1]}/").context
    last = client.get(f"/e/storm/i/{by_rank[12]}/").context
    assert first["before"] is None and last["behind"] is None


def test_the_panel_is_a_part(client, viewer, unique):
    client.force_login(viewer)
    html = text(client.get(page(unique), {"panel": "1"}))
    assert "<html" not in html
    assert "First seen" in html and page(unique) in html


def test_what_posts_say_is_never_markup(client, viewer, unique, made):
    Post.objects.update(text=WILD, url="javascript:alert(1)", hashtags=[WILD])
    Account.objects.update(handle=WILD, name=WILD)
    Link.objects.update(final_url="javascript:alert(2)")
    UniqueImage.objects.update(hashtags=[[WILD, 3]])
    client.force_login(viewer)
    for html in (text(client.get(page(unique))), text(client.get(page(unique), {"panel": "1"}))):
        assert "<script>alert" not in html
        assert 'href="javascript' not in html
    assert "&lt;script&gt;alert" in text(client.get(page(unique)))


def test_links_to_posts_say_nothing_of_us(client, viewer, unique):
    client.force_login(viewer)
    links = re.findall(r"<a [^>]*https://posts\.example[^>]*>", text(client.get(page(unique))))
    assert len(links) >= 8
    assert all('rel="noreferrer noopener nofollow"' in link for link in links)


def test_unknown_figures_are_not_noughts(client, viewer, unique):
    Post.objects.update(likes=None, reposts=0)
    client.force_login(viewer)
    html = text(client.get(page(unique)))
    assert '<td class="right num">—</td><td class="right num">0</td>' in html


def test_an_address_that_once_compared_leads_to_the_comparison(client, viewer, unique):
    client.force_login(viewer)
    version = unique.copies.exclude(pk=unique.representative_id).first()
    response = client.get(page(unique), {"compare": version.pk, "mode": "difference"})
    a, b = unique.representative_id, version.pk
    assert response.url == f"/e/storm/compare/?a={a}&b={b}&mode=difference"
    for wild in ({"compare": "x"}, {"compare": "9" * 18}, {"near": "x"}, {"near": "9" * 18}):
        assert client.get(page(unique), wild).status_code == 200


def test_posts_come_in_pages_by_their_cursor(client, viewer, made, monkeypatch):
    monkeypatch.setattr("imagery.views.image.POSTS", 10)
    first = UniqueImage.objects.get(event=made, rank=1)
    client.force_login(viewer)
    for order in ("oldest", "newest"):
        seen, address = [], f"{page(first)}posts/?order={order}"
        while address:
            response = client.get(address)
            seen += [post.pk for post in response.context["posts"].posts]
            more = re.search(r'hx-get="([^"]+)"', text(response))
            address = more[1].replace("&amp;", "&") if more else None
        want = (
            Post.objects.filter(links__image__unique=first).order_by("posted_at", "pk").distinct()
        )
        pks = list(want.values_list("pk", flat=True))
        assert seen == (pks if order == "oldest" else pks[::-1])


@pytest.mark.parametrize("after", ["x", "1-", "-", "9" * 40 + "-1", "1-x", "nan-1"])
def test_a_wrong_cursor_is_said(client, viewer, unique, after):
    client.force_login(viewer)
    response = client.get(f"{page(unique)}posts/", {"after": after})
    assert response.status_code == 400
    assert "no place in a list of posts" in text(response)
    assert response["Content-Type"].startswith("text/plain")


def test_posts_left_out_by_the_rules_are_not_shown(client, viewer, unique):
    gone = Post.objects.filter(links__image__unique=unique).order_by("posted_at").first()
    Post.objects.filter(pk=gone.pk).update(selected=False)
    client.force_login(viewer)
    posts = client.get(page(unique)).context["posts"].posts
    assert len(posts) == 7 and gone not in posts


def test_posts_can_be_taken_away(client, viewer, unique):
    Post.objects.update(text="=1+1")
    client.force_login(viewer)
    table = client.get(f"{page(unique)}posts.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode())))
    assert len(rows) == 8
    assert {row["text"] for row in rows} == {"'=1+1"}
    assert rows[0]["likes"] in ("", *map(str, range(100)))
    answer = client.get(f"{page(unique)}posts.json")
    found = json.loads(b"".join(answer.streaming_content))
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert found[0]["text"] == "=1+1"
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("tail", ["", "?panel=1", "posts/", "posts.csv", "posts.json"])
def test_strangers_annotators_and_other_events_find_nothing(
    client, viewer, stranger, annotator, unique, tail
):
    other = factories.organised(Event.objects.create(slug="other", name="Other"), 3)
    foreign = UniqueImage.objects.filter(event=other).first()
    for user in (stranger, annotator):
        client.force_login(user)
        assert client.get(page(unique) + tail).status_code == 404
    client.force_login(viewer)
    assert client.get(page(foreign) + tail).status_code == 404
    assert client.get(f"/e/storm/i/{10**30}/{tail}").status_code == 404


def test_a_picture_nobody_posted_has_a_page(client, viewer, event):
    image = factories.image(event, factories.jpeg(3), format="jpeg", phash="", pdq="")
    alone = UniqueImage.objects.create(event=event, representative=image)
    image.unique = alone
    image.save()
    client.force_login(viewer)
    response = client.get(page(alone))
    assert response.status_code == 200
    assert "No selected post carries" in text(response)


def test_queries_stay_few(client, viewer, made, django_assert_num_queries):
    first, last = (UniqueImage.objects.get(event=made, rank=rank) for rank in (1, 12))
    client.force_login(viewer)
    client.get(page(first))
    # session, user, event, picture, tree, unique, apart, timeline, versions, posts, by rank,
    # accounts, neighbours, their cards, links, may edit, progress (2); of several versions their
    # matches, decisions and growth
    for unique, n in ((first, 20), (last, 23)):
        with django_assert_num_queries(n):
            client.get(page(unique))
    with django_assert_num_queries(10):
        client.get(page(first), {"panel": "1"})

"""The paper's ranking beside the event's own: distinct posts of near sets."""

import pytest
from django.urls import reverse

from analytics.near_ranking import top_near
from imagery import dedup, rollup
from imagery.models import Decision, Event, Post, PostLink
from tests.hashed import image, ones

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(event: Event) -> Event:
    """A with a near copy in one common post; C, said to be the same as A; D."""
    a = image(event, "a", 0, 0, 10)
    b = image(event, "b", ones(3), 5)
    c = image(event, "c", ones(30, 20), 8, 9, 11)
    image(event, "d", ones(20, 5), 2, 3, 4)
    both = Post.objects.get(links__image=b)
    PostLink.objects.create(post=both, link=a.links.get())
    Decision.objects.create(event=event, kind="same", image=a, other=c)
    dedup.run(event)
    rollup.run(event)
    return Event.objects.get(pk=event.pk)


def test_near_sets_count_each_post_once(told: Event) -> None:
    found = top_near(told, 5)
    rows = [(row.rank, row.n_posts, row.n_members, row.card.n_posts) for row in found.rows]
    assert rows == [(1, 3, 2, 6), (2, 3, 1, 3), (3, 3, 1, 6)]  # equals by first post: a, d, c
    assert (found.n_total, found.covered) == (3, [3, 6, 9])
    assert told.n_unique == 2
    assert [row.rank for row in top_near(told, 2).rows] == [1, 2]


def test_the_page_offers_both(client, viewer, told: Event) -> None:
    client.force_login(viewer)
    page = reverse("analytics:top", args=["storm"])
    html = client.get(page).content.decode()
    assert "Near copies only" in html and "near cop" not in html
    html = client.get(page, {"copies": "near"}).content.decode()
    assert "2 near copies" in html and "by perceptual hash alone" in html
    table = b"".join(client.get(f"{page[:-1]}.csv", {"copies": "near"})).decode()
    assert sum(line.startswith("unique,") for line in table.splitlines()) == 3
    overview = client.get(reverse("imagery:event", args=["storm"])).content.decode()
    assert "3 unique pictures" in overview
    Event.objects.update(copies="near")
    assert "Near copies only" not in client.get(page).content.decode()


def test_an_event_without_pictures_has_none(event: Event) -> None:
    assert top_near(event).rows == []

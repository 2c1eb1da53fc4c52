from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from analytics import rankings
from imagery import rollup
from imagery.models import Event, Image, Link, Post, PostLink, UniqueImage
from tests import factories


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def organised(event: Event) -> Event:
    return factories.organised(event)


def again(event: Event, unique: UniqueImage, n: int) -> Post:
    """A post that carries the first n links of the unique image."""
    post = Post.objects.create(
        event=event,
        platform="twitter",
        uid=f"again-{unique.pk}-{n}",
        posted_at=datetime(2017, 9, 21, tzinfo=UTC),
        has_images=True,
    )
    for link in Link.objects.filter(image__unique=unique)[:n]:
        PostLink.objects.create(post=post, link=link)
    return post


def told(ranking: rankings.Ranking) -> list[tuple[int, int]]:
    return [(row.rank, row.n_posts) for row in ranking.rows]


@pytest.mark.django_db
def test_unique_images_by_posts(organised: Event) -> None:
    made = rankings.top_unique(organised, 5)
    assert told(made) == [(1, 24), (2, 12), (3, 8), (4, 6), (5, 4)]
    assert made.covered == [24, 36, 44, 50, 54]
    assert made.rows[0].share == 24 / organised.n_image_posts
    assert made.n_total == 12
    assert made.rows[0].card is not None and made.rows[0].thumb


@pytest.mark.django_db
def test_links_by_posts_with_the_failed_one_in_its_place(organised: Event) -> None:
    made = rankings.top_links(organised, 50)
    # Unique 1 has two links of 12 posts; its first post carries both.
    assert told(made)[:3] == [(1, 24), (2, 7), (3, 6)]
    assert made.first_covered == 24 + 12 + 6 + 3
    failed = next(row for row in made.rows if row.link.state == Link.State.FAILED)
    assert failed.reason == "the server answered 404 Not Found"
    assert failed.thumb == "" and failed.unique is None and failed.group is None
    assert made.covered_by(50) == organised.n_image_posts
    assert made.share_of(50) == 1.0


@pytest.mark.django_db
def test_groups_by_distinct_posts(organised: Event) -> None:
    made = rankings.top_groups(organised, 3)
    assert told(made) == [(1, 24 + 12 + 8), (2, 6 + 4 + 4), (3, 3 + 3 + 2)]
    assert [row.n_members for row in made.rows] == [3, 3, 3]
    assert made.n_total == 4
    alone = rankings.top_groups(organised, 3, theta=0.99)
    assert told(alone) == [(1, 24), (2, 12), (3, 8)] and alone.n_total == 12


@pytest.mark.django_db
def test_a_post_with_two_pictures_counts_once_a_row(organised: Event) -> None:
    first, second = UniqueImage.objects.filter(rank__in=(1, 2)).order_by("rank")
    post = again(organised, second, 2)
    PostLink.objects.create(post=post, link=Link.objects.get(image__unique=first))
    rollup.run(organised)
    assert told(rankings.top_unique(organised, 2)) == [(1, 25), (2, 13)]
    assert rankings.top_unique(organised, 2).covered == [25, 37]
    assert rankings.top_groups(organised, 1).rows[0].n_posts == 45


@pytest.mark.django_db
def test_a_group_counted_twice_over_gives_way_to_one_that_is_not(organised: Event) -> None:
    """Sums put groups in one order, distinct posts in another."""
    second = UniqueImage.objects.get(rank=4)  # leads the second group: 14 posts
    everything = Post.objects.filter(links__image__unique__group=second).distinct()
    leads = UniqueImage.objects.filter(group__rank=1).exclude(rank=1)
    # The first group's posts become 12: all its pictures sit in the same ones.
    kept = list(Post.objects.filter(links__image__unique__rank=2).distinct())
    PostLink.objects.filter(link__image__unique__group__rank=1).delete()
    for post in kept:
        for unique in [UniqueImage.objects.get(rank=1), *leads]:
            PostLink.objects.create(post=post, link=unique.representative.links.get())
    assert everything.count() == 14
    rollup.run(organised)
    made = rankings.top_groups(organised, 1)
    assert made.rows[0].group == second.pk and made.rows[0].n_posts == 14


@pytest.mark.django_db
def test_posts_that_the_rules_leave_out_do_not_count(organised: Event) -> None:
    Post.objects.filter(links__image__unique__rank=1).update(selected=False)
    rollup.run(organised)
    assert 24 not in [row.n_posts for row in rankings.top_unique(organised, 5).rows]


@pytest.mark.django_db
def test_the_same_picture_is_known_in_all_three(organised: Event) -> None:
    links, unique, group = (
        rankings.top_links(organised, 5),
        rankings.top_unique(organised, 5),
        rankings.top_groups(organised, 5),
    )
    assert links.rows[0].unique == unique.rows[0].unique == group.rows[0].unique
    assert links.rows[0].group == unique.rows[2].group == group.rows[0].group


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": Link.State.WAITING, "image": None}, "not fetched yet"),
        ({"state": Link.State.FAILED, "reason": "", "image": None}, "could not be fetched"),
        ({"image": None}, "its file is not stored"),
    ],
)
def test_why_a_link_shows_nothing(organised: Event, change: dict, reason: str) -> None:
    link = Link.objects.order_by("-n_posts").first()
    Link.objects.filter(pk=link.pk).update(**change)
    assert rankings.top_links(organised, 1).rows[0].reason == reason


@pytest.mark.django_db
def test_a_file_that_could_not_be_read_says_why(organised: Event) -> None:
    link = Link.objects.order_by("-n_posts").first()
    Image.objects.filter(pk=link.image_id).update(
        failed_at=factories.START, reason="not a picture", phash="", unique=None
    )
    row = rankings.top_links(organised, 1).rows[0]
    assert (row.reason, row.thumb, row.unique) == ("not a picture", "", None)


@pytest.mark.django_db
def test_empty_event(event: Event) -> None:
    for rank in (rankings.top_links, rankings.top_unique, rankings.top_groups):
        made = rank(event, 5)
        assert made.rows == [] and made.first_covered == 0 and made.all_share == 0


@pytest.mark.django_db
def test_links_shown_by_one_post_cover_it_once(organised: Event) -> None:
    first, second = rankings.top_links(organised, 2).rows
    n = first.n_posts + second.n_posts
    assert rankings.top_links(organised, 2).covered == [first.n_posts, n]
    post = Post.objects.filter(links=first.link).first()
    PostLink.objects.get_or_create(post=post, link=second.link)
    rollup.run(organised)
    found = rankings.top_links(organised, 2)
    assert found.covered == [first.n_posts, n]
    assert [row.n_posts for row in found.rows] == [first.n_posts, second.n_posts + 1]

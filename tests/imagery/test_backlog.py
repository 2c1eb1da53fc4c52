"""What waits at each stage, since when, and who is before."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.utils import timezone

from imagery import backlog
from imagery.backlog import Backlog
from imagery.models import Event, Image, Job, Post, PostLink, Stage
from imagery.version_marks import waiting
from tests import factories

pytestmark = pytest.mark.django_db
STORED = datetime(2026, 3, 1, tzinfo=UTC)


def test_an_empty_event_waits_for_nothing(event: Event, django_assert_num_queries) -> None:
    with django_assert_num_queries(3):
        assert set(backlog.of_stages(event).values()) == {Backlog(0)}


def test_counts_and_ages(event: Event) -> None:
    for index in range(3):
        link = factories.link(event, f"https://x.example/{index}")
        post = Post.objects.create(
            event=event, platform="p", uid=str(index), posted_at=timezone.now(),
            stored_at=STORED.replace(day=index + 1),
        )  # fmt: skip
        PostLink.objects.create(post=post, link=link)
    factories.link(event, "https://x.example/put-aside", state="shed")
    first = factories.image(event, factories.jpeg(0), embedder="", phash="", looked_at=None)
    factories.image(event, factories.jpeg(1), embedder="")
    factories.image(event, factories.jpeg(2), embedder="", failed_at=STORED)
    seen = factories.image(event, factories.jpeg(3))
    factories.image(event, factories.jpeg(4), versions_by=waiting(seen.pk))
    factories.image(event, factories.jpeg(5), versions_by="-")
    told = backlog.of_stages(event)
    assert told[Stage.FETCH] == Backlog(3, STORED)
    assert told[Stage.LOOK] == Backlog(2, first.created_at)
    assert told[Stage.VERSIONS] == Backlog(2, factories.START)
    assert backlog.n_shed(event) == 1


def test_near_copies_alone_need_no_versions(event: Event) -> None:
    event.copies = "near"
    factories.image(event, factories.jpeg(0))
    assert backlog.of_stages(event)[Stage.VERSIONS] == Backlog(0)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="how SQLite tells its plan")
def test_counts_come_from_indexes(event: Event) -> None:
    unseen = Image.objects.unseen().filter(event=event).explain()
    assert "image_unseen" in unseen
    assert "image_by_versions" in event.images.filter(versions_by="").explain()


def test_who_is_before(event: Event) -> None:
    seen = Event.objects.create(slug="seen", name="Seen")
    unseen = Event.objects.create(slug="unseen", name="Secret")
    later = Event.objects.create(slug="later", name="Later")
    Job.objects.create(event=seen, stage="look", state="running")
    Job.objects.create(event=unseen, stage="fetch")
    mine = Job.objects.create(event=event, stage="fetch")
    Job.objects.create(event=later, stage="fetch")
    place = backlog.place(mine, Event.objects.filter(slug__in=["seen", "later"]))
    assert [(b.name, b.stage, b.state) for b in place.before] == [
        ("Seen", "Looking at images", "running"),
        ("", "Fetching links", "queued"),
    ]
    assert place.n_unnamed == 1

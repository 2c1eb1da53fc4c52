from datetime import timedelta

import pytest
from django.utils import timezone

from config import queues
from imagery import metrics
from imagery.models import (
    Collection,
    Gap,
    Import,
    Job,
    Link,
    Minute,
    Post,
    PostLink,
    Process,
    Stage,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lengths(monkeypatch):
    monkeypatch.setattr(queues, "lengths", lambda: {"celery": 4})


def told() -> dict[tuple, float]:
    """(name, *labels) → value, as a scrape would find them."""
    return {
        (sample.name.removeprefix("afterimage_"), *sample.labels.values()): sample.value
        for family in metrics.Rows().collect()
        for sample in family.samples
    }


def test_nothing_yet_is_told_as_noughts():
    found = told()
    assert found["jobs", "fetch", "queued"] == 0
    assert found["links", "waiting"] == found["oldest_waiting_seconds",] == 0
    assert found["processes", "worker"] == found["gaps", "open"] == 0
    assert found["up", "database"] == found["up", "broker"] == 1
    assert found["queue_messages", "celery"] == 4


def test_jobs_by_stage_and_state_and_what_the_last_hour_came_to(event):
    now = timezone.now()
    Job.objects.create(event=event, stage=Stage.LOOK, state=Job.State.RUNNING)
    for ago, n_failed in ((600, 2), (1200, 0), (7200, 50)):
        end = now - timedelta(seconds=ago)
        job = Job.objects.create(
            event=event, stage=Stage.FETCH, state=Job.State.DONE, n_done=10, n_failed=n_failed,
            started_at=end - timedelta(seconds=30), finished_at=end,
        )  # fmt: skip
        Job.objects.filter(pk=job.pk).update(created_at=end - timedelta(seconds=35))
    found = told()
    assert found["jobs", "look", "running"] == 1
    assert found["jobs_ended_last_hour", "fetch", "done"] == 2
    assert found["job_seconds_last_hour", "fetch", "waiting"] == pytest.approx(10)
    assert found["job_seconds_last_hour", "fetch", "working"] == pytest.approx(60)
    assert found["job_items_last_hour", "fetch", "done"] == 18
    assert found["job_items_last_hour", "fetch", "failed"] == 2


def test_links_and_how_long_the_oldest_has_waited(event):
    now = timezone.now()
    states = (Link.State.FETCHED, Link.State.WAITING, Link.State.WAITING, Link.State.SHED)
    for n, state in enumerate(states):
        link = factories.link(event, f"https://pictures.example/{n}.jpg", state=state)
        post = Post.objects.create(
            event=event, uid=str(n), posted_at=now, stored_at=now - timedelta(seconds=100 - 10 * n)
        )
        PostLink.objects.create(post=post, link=link)
    found = told()
    assert [found["links", state] for state in ("waiting", "failed", "shed")] == [2, 0, 1]
    assert found["oldest_waiting_seconds",] == pytest.approx(90, abs=5)


def test_links_of_posts_from_before_times_were_kept_wait_since_their_import(event):
    row = Import.objects.create(event=event, filename="a", path="a", state=Import.State.DONE)
    Import.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=1))
    link = factories.link(event, "https://pictures.example/1.jpg")
    post = Post.objects.create(event=event, uid="1", posted_at=timezone.now(), imported_by=row)
    PostLink.objects.create(post=post, link=link)
    assert told()["oldest_waiting_seconds",] == pytest.approx(3600, abs=5)


def test_collections_gaps_and_processes(event):
    now = timezone.now()
    on = Collection.objects.create(
        event=event, name="Storm", source="feed", state="on", n_seen=9, n_kept=5, n_new=4,
        heard_at=now - timedelta(seconds=20), connected_at=now,
    )  # fmt: skip
    Collection.objects.create(event=event, name="Off", source="feed")
    Minute.objects.create(collection=on, at=now - timedelta(minutes=9), lag_s=99)
    Minute.objects.create(collection=on, at=now, lag_s=2.5)
    Gap.objects.create(collection=on, begins_at=now)
    for name, ago in (("a", 1), ("b", 500)):
        Process.objects.create(
            name=name, kind="worker", host="h", pid=1, started_at=now,
            beat_at=now - timedelta(seconds=ago),
        )  # fmt: skip
    found, names = told(), ("storm", str(on.pk), "feed")
    assert found["collections", "on"] == found["collections", "paused"] == 1
    assert found["collection_connected", *names] == 1
    assert found["collection_lag_seconds", *names] == 2.5
    assert found["collection_silent_seconds", *names] == pytest.approx(20, abs=5)
    assert found["collection_posts_total", *names, "new"] == 4
    assert found["gaps", "open"] == 1
    assert found["processes", "worker"] == 1


def test_a_scrape_is_a_few_queries_and_the_next_one_none(django_assert_max_num_queries):
    rows = metrics.Rows()
    with django_assert_max_num_queries(16):
        list(rows.collect())
    with django_assert_max_num_queries(0):
        list(rows.collect())


def test_a_broker_out_of_reach_is_a_figure(monkeypatch):
    def out() -> dict[str, int]:
        raise queues.Unreachable("gone")

    monkeypatch.setattr(queues, "lengths", out)
    assert told()["up", "broker"] == 0

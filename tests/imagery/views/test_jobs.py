"""Progress under the header, the jobs page, starting and stopping."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagery import processes
from imagery.models import Event, Job, Membership
from tests import factories

pytestmark = pytest.mark.django_db
JOBS = reverse("imagery:jobs", args=["storm"])
BAR = reverse("imagery:progress", args=["storm"])
PROCESS = reverse("imagery:process", args=["storm"])
CANCEL = reverse("imagery:cancel", args=["storm"])
BRING_BACK = reverse("imagery:bring-back", args=["storm"])
ALL = reverse("imagery:jobs-all")


def running(event) -> Job:
    begun = timezone.now() - timedelta(seconds=1000)
    return Job.objects.create(
        event=event, stage="look", state="running", n_done=10_000, n_total=11_200, started_at=begun
    )


def test_bar_says_stage_counts_rate_and_time_left(client: Client, event, viewer) -> None:
    running(event)
    client.force_login(viewer)
    bar = client.get(BAR)
    words = bar.content.decode()
    for told in ("Looking at images", "10,000 of 11,200 files", "10 a second", "about 2 min left"):
        assert told in words
    assert "every 2s" in words
    assert "HX-Trigger" not in bar


def test_bar_stops_asking_when_idle(client: Client, event, viewer) -> None:
    client.force_login(viewer)
    bar = client.get(BAR)
    assert bar["HX-Trigger"] == "settled"
    assert "hx-get" not in bar.content.decode()


def test_bar_counts_an_import_by_bytes(client: Client, event, viewer) -> None:
    begun = timezone.now() - timedelta(seconds=10_000)
    event.imports.create(
        filename="posts.csv", path="x", state="running", n_bytes=1000, n_bytes_read=250,
        n_read=5_000_000, started_at=begun,
    )  # fmt: skip
    client.force_login(viewer)
    words = client.get(BAR).content.decode()
    for told in (
        "Importing posts.csv",
        "5,000,000 rows",
        "500 a second",
        "about 8 h 20 min left",
        "0.2500",
    ):
        assert told in words


def test_jobs_are_listed_with_their_messages(
    client: Client, event, viewer, django_assert_num_queries
) -> None:
    Job.objects.create(event=event, stage="fetch", state="failed", message="disk is full")
    running(event)
    client.force_login(viewer)
    # session, person, event, jobs, imports, role; of its work: jobs, the active one, three
    # backlogs, latencies (2), failed, shed; processes, collections; doubtful pairs; the bar asks
    # for an import and a job
    with django_assert_num_queries(20):
        page = client.get(JOBS).content.decode()
    assert "disk is full" in page
    assert "Process now" not in page
    assert "10,000 of 11,200 files" in page
    assert "live from:body" in page


def test_the_page_at_rest_asks_for_nothing(client: Client, event, viewer) -> None:
    Job.objects.create(event=event, stage="rollup", state="done")
    client.force_login(viewer)
    page = client.get(JOBS).content.decode()
    assert "live from:body" not in page
    assert "No worker is at work" in page
    with processes.present("worker", ["look", "asked"], "cpu"):
        page = client.get(JOBS).content.decode()
    assert "No worker is at work" not in page
    assert "look, asked" in page


def test_waiting_behind_others_names_only_what_one_sees(client: Client, event, viewer) -> None:
    seen = Event.objects.create(slug="seen", name="A flood")
    Membership.objects.create(event=seen, user=viewer, role="viewer")
    for other in (seen, Event.objects.create(slug="unseen", name="Secret")):
        Job.objects.create(event=other, stage="look", state="running")
    Job.objects.create(event=event, stage="fetch")
    client.force_login(viewer)
    page = client.get(JOBS).content.decode()
    assert "A flood" in page
    assert "Secret" not in page
    assert "1 pass of events that you do not see" in page


def test_a_job_that_nobody_takes_up_is_told(client: Client, event, viewer) -> None:
    job = Job.objects.create(event=event, stage="fetch")
    client.force_login(viewer)
    assert "It is its turn" not in client.get(JOBS).content.decode()
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=5))
    assert "nobody has taken it up for 5 min" in client.get(JOBS).content.decode()
    with processes.present("worker"):
        assert "messages to them may be out of reach" in client.get(JOBS).content.decode()


def test_what_was_put_aside_is_brought_back(client: Client, event, analyst, monkeypatch) -> None:
    monkeypatch.setattr("imagery.tasks.run_job.delay_on_commit", lambda *args: None)
    factories.link(event, "https://x.example/1", state="shed", kind="shed")
    factories.link(event, "https://x.example/2", state="failed", kind="dns")
    client.force_login(analyst)
    page = client.get(JOBS).content.decode()
    assert "1 link put aside" in page
    assert "name is unknown" in page
    told = client.post(BRING_BACK, follow=True).content.decode()
    assert "1 link will be fetched after all" in told
    assert event.links.to_fetch().count() == 1
    assert event.jobs.get().stage == "fetch"
    assert "No link was put aside" in client.post(BRING_BACK, follow=True).content.decode()


def test_viewers_bring_nothing_back(client: Client, event, viewer) -> None:
    factories.link(event, "https://x.example/1", state="shed", kind="shed")
    client.force_login(viewer)
    assert "Bring back" not in client.get(JOBS).content.decode()
    assert client.post(BRING_BACK).status_code == 404


def test_all_events_one_sees(
    client: Client, event, viewer, stranger, django_assert_num_queries
) -> None:
    resting = Event.objects.create(slug="resting", name="An old march")
    Membership.objects.create(event=resting, user=viewer, role="viewer")
    running(event)
    factories.link(resting, "https://x.example/old", state="fetched")
    waits = Event.objects.create(slug="waits", name="A strike")  # no job has begun yet
    Membership.objects.create(event=waits, user=viewer, role="viewer")
    factories.link(waits, "https://x.example/1")
    client.force_login(viewer)
    # session, person; events, jobs, imports, three states of rows, collections; processes, live
    with django_assert_num_queries(11):
        page = client.get(ALL).content.decode()
    assert "10,000" in page
    assert (
        page.index("Storm")
        < page.index("A strike")
        < page.index("At rest")
        < page.index("An old march")
    )
    client.force_login(stranger)
    page = client.get(ALL).content.decode()
    assert "Storm" not in page
    assert "Nothing is under way" in page


def test_a_page_without_jobs_says_what_to_do(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    page = client.get(JOBS).content.decode()
    assert "No job was ever run here" in page
    assert "Process now" in page


def test_processing_queues_a_job(client: Client, event, analyst) -> None:
    client.force_login(analyst)
    assert client.post(PROCESS)["Location"] == JOBS
    assert event.jobs.get().stage == "fetch"


def test_stopping_cancels_it(client: Client, event, analyst) -> None:
    job = running(event)
    client.force_login(analyst)
    client.post(CANCEL)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert "Nothing was running" in client.post(CANCEL, follow=True).content.decode()


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_others_are_told_nothing_is_there(client: Client, event, who, request) -> None:
    client.force_login(request.getfixturevalue(who))
    for address in (JOBS, BAR):
        assert client.get(address).status_code == 404
    for address in (PROCESS, CANCEL):
        assert client.post(address).status_code == 404


def test_viewers_start_and_stop_nothing(client: Client, event, viewer) -> None:
    client.force_login(viewer)
    assert client.post(PROCESS).status_code == 404
    assert client.post(CANCEL).status_code == 404
    assert client.get(PROCESS).status_code == 405
    assert not event.jobs.exists()


def test_missing_event(client: Client, owner) -> None:
    client.force_login(owner)
    assert client.get(reverse("imagery:jobs", args=["nowhere"])).status_code == 404

"""What is under way, stopping it, and trying again, over the API."""

import pytest
from django.utils import timezone

from imagery import processes
from imagery.models import Event, Job, Process
from tests import factories

pytestmark = pytest.mark.django_db
HERE = "/api/events/storm"


def test_figures_of_an_event_at_work(event: Event, viewer, by_token) -> None:
    unseen = Event.objects.create(slug="unseen", name="Secret")
    Job.objects.create(event=unseen, stage="look", state="running")
    Job.objects.create(event=event, stage="fetch")
    factories.link(event, "https://x.example/1")
    factories.link(event, "https://x.example/2", state="shed", kind="shed")
    factories.link(event, "https://x.example/3", state="failed", kind="timeout")
    told = by_token(viewer).get(f"{HERE}/jobs/now/").json()
    assert (told["job"]["stage"], told["job"]["state"]) == ("fetch", "queued")
    assert (told["failed"], told["shed"]) == (1, 1)
    assert told["before"] == [{"event": "", "stage": "Looking at images", "state": "running"}]
    fetch = told["stages"][0]
    assert (fetch["stage"], fetch["state"], fetch["waiting"]) == ("fetch", "queued", 1)
    assert fetch["worked"] is None
    assert len(fetch["per_minute"]) == 60
    assert told["stages"][-1] == {
        "stage": "rollup", "state": "", "waiting": None, "oldest_at": None, "waited": None,
        "worked": None, "per_minute": None,
    }  # fmt: skip


def test_processes_at_work_come_first(viewer, by_token) -> None:
    gone = timezone.now() - timezone.timedelta(hours=2)
    Process.objects.create(
        name="worker@elsewhere:1", kind="worker", host="elsewhere", pid=1, started_at=gone,
        beat_at=gone,
    )  # fmt: skip
    with processes.present("worker", ["look"], "cpu"):
        told = by_token(viewer).get("/api/processes/").json()
    assert [(row["alive"], row["queues"]) for row in told] == [(True, ["look"]), (False, [])]


def test_cancelling(event: Event, analyst, by_token) -> None:
    Job.objects.create(event=event, stage="look", state="running")
    client = by_token(analyst)
    assert client.post(f"{HERE}/cancel/").json() == {"stopped": True}
    assert event.jobs.get().state == "cancelled"
    assert client.post(f"{HERE}/cancel/").json() == {"stopped": False}


@pytest.mark.parametrize(
    ("asked", "again"), [({}, "abc"), ({"kind": "shed"}, "a"), ({"kind": "dns"}, "c")]
)
def test_trying_again(event: Event, analyst, by_token, monkeypatch, asked, again) -> None:
    monkeypatch.setattr("imagery.tasks.run_job.delay_on_commit", lambda *args: None)
    for name, kind in (("a", "shed"), ("b", "timeout"), ("c", "dns")):
        state = "shed" if kind == "shed" else "failed"
        factories.link(event, f"https://x.example/{name}", state=state, kind=kind)
    answer = by_token(analyst).post(f"{HERE}/retry/", asked, format="json")
    assert (answer.status_code, answer.json()) == (202, {"links": len(again)})
    waiting = event.links.to_fetch().order_by("url").values_list("url", flat=True)
    assert [url[-1] for url in waiting] == list(again)
    assert event.jobs.get().stage == "fetch"


def test_one_link_alone(event: Event, analyst, by_token, monkeypatch) -> None:
    monkeypatch.setattr("imagery.tasks.run_job.delay_on_commit", lambda *args: None)
    one = factories.link(event, "https://x.example/1", state="failed")
    factories.link(event, "https://x.example/2", state="failed")
    answer = by_token(analyst).post(f"{HERE}/retry/", {"links": [one.pk]}, format="json")
    assert answer.json() == {"links": 1}
    assert event.links.to_fetch().get() == one


@pytest.mark.parametrize("asked", [{"links": ["x"]}, {"links": [0]}, {"sort": 1}])
def test_bad_wishes_are_named(event: Event, analyst, by_token, asked) -> None:
    answer = by_token(analyst).post(f"{HERE}/retry/", asked, format="json")
    assert answer.status_code == 400
    assert set(answer.json()) == set(asked)

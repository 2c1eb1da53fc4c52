"""The product as services: PostgreSQL, Redis, two workers on queues of their own, the clock."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import service_stack
from tests.pictures import jpeg, photo, smaller
from tests.service_stack import Stack

pytestmark = pytest.mark.slow
N = 12
TELL = """
import django, json, sys
django.setup()
from imagery.models import Event, Import, Job, LookUp, Process
event = Event.objects.filter(slug="storm").first()
print(json.dumps({
    "imports": list(Import.objects.values_list("state", "n_new")),
    "jobs": list(Job.objects.order_by("pk").values_list("stage", "state", "message")),
    "event": event and [event.n_posts, event.n_images, event.n_unique],
    "alive": sorted(Process.objects.alive().values_list("kind", flat=True)),
    "asked": list(LookUp.objects.order_by("pk").values_list("state", flat=True)),
}))
"""
BRING = """
import django, sys
from pathlib import Path
django.setup()
from imagery import ingest, tasks
from imagery.models import Event
folder = Path(sys.argv[1])
event = Event.objects.create(slug="storm", name="Storm")
row = ingest.accept_path(event, folder / "posts.ndjson", images=folder / "pictures")
tasks.import_file.delay_on_commit(row.pk)
"""
ASK = """
import django
django.setup()
from django.contrib.auth.models import User
from imagery.models import LookUp
from imagery import tasks
user = User.objects.create_superuser("someone", password="x")
row = LookUp.objects.create(user=user, kind="hash", asked="a hash", sha256="0" * 64)
tasks.look_up.delay_on_commit(row.pk)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("services")
    with service_stack.postgresql() as database, service_stack.redis_server() as broker:
        env = os.environ | {
            "DATABASE_URL": database.url,
            "CELERY_BROKER_URL": broker,
            "AFTERIMAGE_DATA": str(folder / "data"),
            "WORKER_PROCESSES": "1",
            "OMP_NUM_THREADS": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(service_stack.ROOT),
        }
        manage = [sys.executable, "manage.py"]
        commands = {
            "crawler": [*manage, "worker", "--queues", "fetch"],
            "organiser": [*manage, "worker", "--queues", "look,organise"],
            "desk": [*manage, "worker", "--queues", "asked"],
            "clock": [*manage, "beat"],
            "second clock": [*manage, "beat"],
        }
        made = Stack(env, commands, folder / "log")
        try:
            made.manage("migrate", "-v0")
            yield made
        finally:
            made.stop()


def told(stack: Stack) -> dict:
    return json.loads(_python(stack, TELL))


def _python(stack: Stack, code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=service_stack.ROOT, env=stack.env, check=False,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(stack: Stack, holds: Callable[[dict], bool], within_s: float = 150) -> dict:
    end = time.monotonic() + within_s
    while True:
        found = told(stack)
        if holds(found):
            return found
        said = stack.log.read_text()[-4000:] if stack.log.exists() else ""
        assert time.monotonic() < end, f"{found}\n{said}"
        time.sleep(1)


@pytest.fixture(scope="module")
def posts(tmp_path_factory) -> Path:
    """Pictures, each in two versions, one post for each file."""
    folder = tmp_path_factory.mktemp("posts")
    (folder / "pictures").mkdir()
    at, lines = datetime(2024, 3, 1, tzinfo=UTC), []
    for i in range(2 * N):
        made = photo(i // 2, (600, 400))
        (folder / "pictures" / f"{i}.jpg").write_bytes(jpeg(made if i % 2 else smaller(made)))
        row = {"platform": "x", "id": str(i), "posted_at": (at + timedelta(minutes=i)).isoformat()}
        lines.append(json.dumps(row | {"images": [{"file": f"{i}.jpg"}]}))
    (folder / "posts.ndjson").write_text("\n".join(lines))
    return folder


def test_two_workers_bring_an_import_to_its_end(stack: Stack, posts: Path) -> None:
    stack.start("crawler", "organiser", "clock", "second clock")
    _python(stack, BRING, str(posts))
    found = until(stack, lambda all: ["rollup", "done", ""] in all["jobs"])
    assert found["imports"] == [["done", 2 * N]]
    assert {(state, said) for _, state, said in found["jobs"]} == {("done", "")}
    assert found["event"] == [2 * N, 2 * N, N]
    assert found["alive"] == ["beat", "beat", "worker", "worker"]


def test_a_click_waits_for_no_crawl(stack: Stack) -> None:
    """With workers of crawls alone it waits; with one for people it does not."""
    _python(stack, ASK)
    time.sleep(2)
    assert told(stack)["asked"] == ["queued"]
    stack.start("desk")
    until(stack, lambda all: all["asked"] == ["done"], 60)


def test_a_pass_whose_workers_died_goes_on_when_there_are_others(stack: Stack) -> None:
    """Of the job's rows and no message: by the clock that is left when the leading one died."""
    stack.kill("clock")
    stack.kill("organiser")
    stack.manage("process", "storm", "--no-wait")
    _python(
        stack,
        "import django; django.setup()\n"
        "from imagery.models import Job\n"
        "from config.celery import app\n"
        "app.control.purge()\n"
        "Job.objects.active().update(beat_at='2020-01-01T00:00:00Z')",
    )
    n = len(told(stack)["jobs"])
    stack.start("organiser")
    found = until(stack, lambda all: ["rollup", "done", ""] in all["jobs"][n - 1 :], 240)
    assert {(state, said) for _, state, said in found["jobs"]} == {("done", "")}

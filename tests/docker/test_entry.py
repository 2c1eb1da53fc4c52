"""Every role as docker/entry starts it, on a PostgreSQL and a Redis of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import factories, service_stack
from tests.service_stack import ROOT, Stack

ENTRY = str(ROOT / "docker" / "entry")
ROLES = ("web", "worker", "collector", "beat")
TOKEN = "scraper-0123456789"
TELL = """
import json
from imagery.models import Event, Process
event = Event.objects.get(slug="storm")
print(json.dumps([event.n_posts, event.n_unique, event.organised_at is not None,
                  sorted(Process.objects.alive().values_list("kind", flat=True))]))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("roles")
    with service_stack.postgresql() as database, service_stack.redis_server() as broker:
        env = {
            name: value for name, value in os.environ.items() if not name.startswith("AFTERIMAGE_")
        } | {
            "PYTHON": sys.executable, "AFTERIMAGE_DATA": str(folder / "data"),
            "DATABASE_URL": database.url, "CELERY_BROKER_URL": broker, "SECRET_KEY": "x" * 50,
            "HOST": "127.0.0.1", "PORT": str(service_stack.free_port()), "WEB_PROCESSES": "2",
            "WORKER_PROCESSES": "1", "METRICS_TOKEN": TOKEN, "LOG_FORMAT": "json",
            "LOG_LEVEL": "INFO", "OMP_NUM_THREADS": "1", "ALLOWED_HOSTS": "pictures.example,web",
            # Weights are asked for at an address where nobody answers, at once.
            "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
        }  # fmt: skip
        made = Stack(env, {role: [ENTRY, role] for role in ROLES}, folder / "log")
        migrated = subprocess.run([ENTRY, "migrate"], env=env, capture_output=True, text=True)
        assert migrated.returncode == 0, migrated.stderr
        made.start()
        try:
            yield made
        finally:
            made.stop()


def ask(stack: Stack, path: str, **headers: str) -> tuple[int, str]:
    address = f"http://127.0.0.1:{stack.env['PORT']}{path}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=20
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def until(stack: Stack, holds: Callable[[], bool], within_s: float = 180) -> None:
    give_up_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_at, stack.log.read_text()[-5000:]
        time.sleep(1)


def alive(stack: Stack, role: str) -> int:
    return subprocess.run([ENTRY, "alive", role], env=stack.env, capture_output=True).returncode


@pytest.mark.slow
def test_every_role_starts_and_an_import_is_organised(stack: Stack, tmp_path: Path) -> None:
    until(stack, lambda: ask(stack, "/readyz") == (200, '{"status": "ok"}'))
    for role in ROLES:
        until(stack, lambda role=role: alive(stack, role) == 0)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rows = []
    for n in range(3):
        (pictures / f"{n}.jpg").write_bytes(factories.jpeg(n, (320, 240)))
        rows.append(
            {"platform": "t", "id": str(n), "posted_at": "2017-09-20T12:00:00Z", "text": "storm",
             "images": [{"url": f"https://p.invalid/{n}.jpg", "file": f"{n}.jpg"}]}
        )  # fmt: skip
    posts = tmp_path / "posts.ndjson"
    posts.write_text("\n".join(map(json.dumps, rows)))
    stack.manage("import_posts", "storm", str(posts), "--images", str(pictures))
    stack.manage("process", "storm", "--no-wait")

    def told() -> list:
        return json.loads(stack.manage("shell", "-v0", "-c", TELL).splitlines()[-1])

    until(stack, lambda: told()[:3] == [3, 3, True])
    assert told()[3] == ["beat", "collector", "worker"]
    status, figures = ask(stack, "/metrics", Authorization=f"Bearer {TOKEN}", Host="web")
    assert status == 200
    for line in (
        'afterimage_processes{kind="worker"} 1.0', 'afterimage_up{part="broker"} 1.0',
        'afterimage_jobs_ended_last_hour{stage="rollup",state="done"}',
    ):  # fmt: skip
        assert line in figures
    assert ask(stack, "/metrics", Host="web")[0] == 404


@pytest.mark.slow
def test_figures_of_several_web_processes_add_up(stack: Stack) -> None:
    until(stack, lambda: ask(stack, "/readyz")[0] == 200)

    def n() -> float:
        text = ask(stack, "/metrics", Authorization=f"Bearer {TOKEN}", Host="web")[1]
        lines = [line for line in text.splitlines() if 'view="login"' in line and "_total" in line]
        return sum(float(line.split()[-1]) for line in lines)

    before = n()
    for _ in range(20):
        assert ask(stack, "/login/", Host="web")[0] == 200
    assert n() == before + 20


@pytest.mark.slow
def test_every_line_of_the_log_is_json(stack: Stack) -> None:
    until(stack, lambda: ask(stack, "/readyz")[0] == 200)
    ask(stack, "/metrics", Host="web")
    lines = [line for line in stack.log.read_text().splitlines() if line.strip()]
    told = [json.loads(line) for line in lines]
    assert {"level", "logger", "message", "time"} <= told[0].keys()


@pytest.mark.slow
def test_a_role_that_is_gone_is_no_longer_alive(stack: Stack) -> None:
    until(stack, lambda: alive(stack, "beat") == 0)
    stack.kill("beat", signal.SIGTERM)
    until(stack, lambda: alive(stack, "beat") == 1, within_s=60)
    assert alive(stack, "web") == 0
    stack.kill("web", signal.SIGTERM)
    assert alive(stack, "web") == 1

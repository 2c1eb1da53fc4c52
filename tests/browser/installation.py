"""An installation of its own: `manage.py run` with its worker, in a temporary folder."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
PEOPLE = ("owner", "viewer", "stranger")
STARTS_S = 90
ORGANISED_S = 120
NOWHERE = "http://127.0.0.1:9"  # as a proxy: no download of weights is ever begun


class Installation:
    """The address of a running installation, and its API as its owner sees it."""

    def __init__(self, address: str, env: dict[str, str]) -> None:
        self.address = address
        self._env = env
        self._http = urllib3.PoolManager(retries=False, timeout=30)
        asked = {"username": "owner", "password": PASSWORD}
        self._token = ""
        self._token = self.api("POST", "token/", json=asked)["token"]

    def api(self, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Token {self._token}"} if self._token else {}
        url = f"{self.address}/api/{path}"
        answer = self._http.request(method, url, headers=headers, **body)
        assert answer.status < 300, f"{method} {url}: {answer.status} {answer.data[:500]!r}"
        return json.loads(answer.data)

    def manage(self, *command: str) -> None:
        """A command of the same installation, beside what runs."""
        _manage(self._env, *command)

    def event(self, slug: str, posts: Path, pictures: Path, **settings: Any) -> str:
        """An organised event of these posts. Returns its slug."""
        self.api("POST", "events/", json={"name": slug.title(), "slug": slug, **settings})
        form = {
            "file": (posts.name, posts.read_bytes()),
            "images": (pictures.name, pictures.read_bytes()),
        }
        self.api("POST", f"events/{slug}/import/", fields=form)
        self.wait(slug)
        return slug

    def wait(self, slug: str) -> None:
        """Until the event is organised and nothing runs for it."""
        until = time.monotonic() + ORGANISED_S
        while time.monotonic() < until:
            imports = self.api("GET", f"events/{slug}/imports/")["results"]
            jobs = self.api("GET", f"events/{slug}/jobs/")["results"]
            busy = [row for row in [*imports, *jobs] if row["state"] in ("queued", "running")]
            if not busy and self.api("GET", f"events/{slug}/")["organised_at"]:
                assert all(row["state"] == "done" for row in [*imports, *jobs]), (imports, jobs)
                return
            time.sleep(0.2)
        raise AssertionError(f"{slug} was not organised in {ORGANISED_S} s: {jobs}")


@contextmanager
def running(data: Path) -> Iterator[Installation]:
    """Web server and worker, until the block ends; nothing of them stays."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_proxy")}
    env |= {
        "AFTERIMAGE_DATA": str(data),
        "IMAGERY_WEIGHTS_DIR": str(data / "none"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "https_proxy": NOWHERE,
        "LOG_LEVEL": "WARNING",
    }
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "DEBUG", "ALLOWED_HOSTS", "HTTPS"):
        env.pop(name, None)
    _manage(env, "migrate", "-v0")
    _manage(env, "shell", "-v0", "-c", _people())
    with (data / "run.log").open("wb") as log:
        run = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--port", str(_free_port())],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        yield Installation(_address(run, data / "run.log"), env)
    finally:
        run.terminate()
        try:
            run.wait(40)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()


def _manage(env: dict[str, str], *command: str) -> None:
    run = [sys.executable, "manage.py", *command]
    done = subprocess.run(
        run, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _people() -> str:
    return (
        "from django.contrib.auth.models import User\n"
        f"for name in {PEOPLE!r}: User.objects.create_user(name, password={PASSWORD!r})\n"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _address(run: subprocess.Popen[bytes], log: Path) -> str:
    """The address it prints, once it answers."""
    assert run.stdout is not None
    until = time.monotonic() + STARTS_S
    told = b""
    while not (found := re.search(rb"is at (http://[^/\s]+)/", told)):
        ready, _, _ = select.select([run.stdout], [], [], max(0, until - time.monotonic()))
        more = os.read(run.stdout.fileno(), 4096) if ready else b""
        assert more, f"no address was printed: {told.decode()} {log.read_text()}"
        told += more
    address = found.group(1).decode()
    while time.monotonic() < until:
        try:
            urllib3.request("GET", f"{address}/login/", retries=False, timeout=5)
            return address
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer: {log.read_text()}")

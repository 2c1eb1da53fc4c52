"""The product as services, for drills: PostgreSQL, Redis, workers, beat and collector, each a
process of its own that may be killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks._services import free_port
from benchmarks._services import programs as postgresql_programs

ROOT = Path(__file__).parent.parent


def _missing(what: str) -> None:
    if os.environ.get("AFTERIMAGE_SKIP_NOTHING") == "1":
        pytest.fail(f"{what} is not installed, and nothing is to be skipped")
    pytest.skip(f"{what} is not installed")


class Postgresql:
    """A server of its own, reached through its folder alone."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._as: list[str] = []
        if os.geteuid() == 0:  # it does not run as root
            shutil.chown(folder, "postgres", "postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
        self._control = [*self._as, str(programs / "pg_ctl"), "-D", f"{folder}/data", "-w"]
        make = [str(programs / "initdb"), "-A", "trust", "-U", "afterimage", "-E", "UTF8"]
        self._run([*self._as, *make, "--no-sync", "-D", f"{folder}/data"])
        self.url = f"postgres://afterimage@{str(folder).replace('/', '%2F')}/postgres"

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self._run([*self._control, "-o", options, "-l", f"{self.folder}/log", "start"])

    def stop(self, mode: str = "immediate") -> None:
        self._run([*self._control, "-m", mode, "stop"])

    def _run(self, command: list[str]) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd=self.folder, timeout=60, **quiet)


@contextlib.contextmanager
def postgresql() -> Iterator[Postgresql]:
    """A running server with an empty database; skips where it is not installed."""
    programs = postgresql_programs()
    if programs is None:
        _missing("PostgreSQL")
        return
    with tempfile.TemporaryDirectory(prefix="afterimage-pg-") as made:
        server = Postgresql(Path(made), programs)
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # it may be down
                server.stop()


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """URL of a Redis that keeps nothing on disk; skips where it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        _missing("Redis")
        return
    import redis

    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    child = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        with redis.Redis.from_url(url) as client:
            until = time.monotonic() + 20
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < until, "Redis does not answer"
                    time.sleep(0.05)
        yield url
    finally:
        child.terminate()
        child.wait(10)


@dataclass
class Stack:
    """Processes of one installation. `env`: what they and `manage` run with."""

    env: dict[str, str]
    commands: dict[str, list[str]]
    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def manage(self, *command: str, timeout_s: float = 120) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self.env, check=False,
            capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def start(self, *names: str) -> None:
        for name in names or self.commands:
            with self.log.open("ab") as log:
                self.running[name] = subprocess.Popen(
                    self.commands[name], cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a process and its children."""
        child = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, how)
        child.wait(30)

    def stop(self) -> None:
        for name in list(self.running):
            self.kill(name)


def worker_command(queues: str, concurrency: int = 1) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "-Q", queues),
        *("--concurrency", str(concurrency), "--loglevel", "WARNING"),
        *("--hostname", f"{queues.replace(',', '-')}-{free_port()}@%h"),
        *("--without-gossip", "--without-mingle"),
    ]

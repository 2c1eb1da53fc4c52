"""Processes that `run` starts, watches, starts again and stops: a web server and one worker, and
a collector while there is anything to collect or to be read again."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection

STOP_S = 15  # a process has this long to end by itself
IDLE_STOP_S = 0.5
LIVED_S = 10  # a process that lived longer is started again at once
QUICK_ENDS = 4
ASKED_EVERY_S = 3.0  # whether a process is wanted that is not always
COLLECTOR_IDLE_S = 30
RESTS_S = 60.0  # one of those that keeps ending; the others go on
PR_SET_PDEATHSIG = 1


class KeepsEnding(RuntimeError):
    """A process ends as soon as it is started; the message names it and its exit code."""


class AlreadyRunning(RuntimeError):
    """Another process holds this folder's worker."""


@contextlib.contextmanager
def only_worker(wait_s: float = 0) -> Iterator[int]:
    """Hold the data folder's worker lock; yields a descriptor for the worker to inherit.

    The lock lives as long as any process has the descriptor: a worker that outlives its
    parent keeps others out. Raises AlreadyRunning, where it stays so for `wait_s`.
    """
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(settings.DATA_DIR / "worker.lock", os.O_CREAT | os.O_RDWR, 0o600)
    give_up_at = time.monotonic() + wait_s
    while not _taken(handle):
        if time.monotonic() >= give_up_at:
            os.close(handle)
            raise AlreadyRunning("a worker of this data folder is running")
        time.sleep(0.2)
    try:
        yield handle
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def worker(lock: int) -> Child:
    """The worker, holding the data folder's lock."""
    return Child("worker", worker_command(), (lock,), quiet=True)


def worker_command() -> list[str]:
    """The only worker, its clock inside."""
    schedule = settings.DATA_DIR / "beat-schedule"
    return [
        *_celery("worker", "--beat", "--schedule", str(schedule)),
        *("--concurrency", str(settings.CELERY_WORKER_CONCURRENCY)),
        *("--hostname", "afterimage@%h", "--without-gossip", "--without-mingle"),
    ]


def service_worker_command(queues: Sequence[str]) -> list[str]:
    """One worker of many, on any machine, for these queues."""
    return [
        *_celery("worker", "--queues", ",".join(queues)),
        *("--concurrency", str(settings.CELERY_WORKER_CONCURRENCY)),
        *("--hostname", f"{'-'.join(queues)}.{os.getpid()}@%h"),
        *("--without-gossip", "--without-mingle"),
    ]


def beat_command() -> list[str]:
    """The clock of services."""
    schedule = settings.DATA_DIR / "beat-schedule"
    return _celery("beat", "--pidfile=", "--schedule", str(schedule))


def _celery(*command: str) -> list[str]:
    return [
        *(sys.executable, "-W", "ignore:You're running the worker with superuser"),
        *("-m", "celery", "--quiet", "-A", "config", *command),
        *("--loglevel", os.environ.get("LOG_LEVEL", "WARNING").upper()),
    ]


def collector() -> Child:
    """A collector, while one is wanted; it ends by itself when nothing was to do for a while."""
    from imagery.collector import needed

    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "collector"]
    command += ["--until-idle", str(COLLECTOR_IDLE_S)]
    return Child("collector", command, wanted=needed)


def web_command(host: str, port: int) -> list[str]:
    shown = f"[{host}]" if ":" in host else host
    return [
        *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"{shown}:{port}"),
        *("--workers", "1", "--threads", "8", "--worker-class", "gthread", "--timeout", "120"),
        *("--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket"),
    ]


def free_port(host: str, wanted: int) -> int:
    """The wanted port, else the next of twenty that is free. Raises OSError."""
    for port in range(wanted, wanted + 20):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    raise OSError(f"no free port from {wanted} to {wanted + 19} on {host}")


def prepare() -> None:
    """Tables as the code wants them, and the folders of uploads and of the embedded broker."""
    call_command("migrate", verbosity=0, interactive=False)
    folders = [settings.UPLOADS_DIR]
    if settings.EMBEDDED:
        folders += [settings.BROKER_DIR / "queue", settings.BROKER_DIR / "control"]
    for folder in folders:
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)


def _die_with_parent() -> None:
    """In the child, before it becomes the program: end when the parent ends (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """One process, started again whenever it ends before it is told to."""

    name: str
    command: list[str]
    keep_open: tuple[int, ...] = ()
    quiet: bool = False  # nothing on standard output; standard error stays
    wanted: Callable[[], bool] | None = None  # asked before it is started; None: always
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    n_quick_ends: int = field(default=0)
    asked_at: float = field(default=float("-inf"))

    def is_wanted(self) -> bool:
        """Asked every few seconds; a database out of reach wants nothing."""
        if self.wanted is None:
            return True
        if time.monotonic() - self.asked_at < ASKED_EVERY_S:
            return False
        self.asked_at = time.monotonic()
        try:
            return self.wanted()
        except DatabaseError:
            connection.close()
            return False

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 — our own command line
            self.command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if self.quiet else None,
            pass_fds=self.keep_open,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    def watch(self) -> None:
        """Start again if it ended, a little later each time it ended quickly.

        One that is not always wanted ends well with code 0, and rests where it keeps ending. Else
        raises KeepsEnding after QUICK_ENDS of them in a row.
        """
        if self.process is None:
            if self.wanted is not None and self.is_wanted():
                self.start()
            return
        if self.process.poll() is None:
            return
        if self.wanted is not None and self.process.returncode == 0:
            self.process = None
            return
        lived = time.monotonic() - self.started_at
        code = self.process.returncode
        self._end_group(signal.SIGKILL)  # children of a killed parent
        self.n_quick_ends = 0 if lived > LIVED_S else self.n_quick_ends + 1
        if self.n_quick_ends >= QUICK_ENDS and self.wanted is not None:
            print(
                f"{self.name} keeps ending ({code}); a minute's rest", file=sys.stderr, flush=True
            )
            self.process, self.asked_at = None, time.monotonic() + RESTS_S
            return
        if self.n_quick_ends >= QUICK_ENDS:
            raise KeepsEnding(f"the {self.name} ends as soon as it is started (exit code {code})")
        print(f"{self.name} ended ({code}); starting it again", file=sys.stderr, flush=True)
        time.sleep(0.5 * 2**self.n_quick_ends if self.n_quick_ends else 0)
        self.start()

    def stop(self, grace_s: float = STOP_S) -> None:
        """Ask it to end; after grace_s, end it with all its children."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_s)
        self._end_group(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _end_group(self, how: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, how)


def supervise(
    children: list[Child],
    until: Callable[[], bool],
    every_s: float = 0.5,
    idle: Callable[[], bool] = lambda: False,
) -> None:
    """Run the children until `until()` is true, SIGTERM, SIGINT or SIGHUP; then stop them.

    Where `idle()` says that nothing is in hand, they are not waited for: a worker takes seconds
    to end by itself.
    """
    stopping = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    before = {
        number: signal.signal(number, ask_to_stop)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        for child in children:
            if child.is_wanted():
                child.start()
        while not stopping and not until():
            for child in children:
                child.watch()
            time.sleep(every_s)
    finally:
        grace_s = IDLE_STOP_S if idle() else STOP_S
        for child in reversed(children):
            child.stop(grace_s)
        for number, handler in before.items():
            signal.signal(number, handler)

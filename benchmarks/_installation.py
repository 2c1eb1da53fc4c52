"""An installation as it runs: database, broker, web server and workers, each a process."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import _services, _watch

ROOT = Path(__file__).parent.parent
PR_SET_PDEATHSIG = 1


@dataclass
class Installation:
    """Where it lies, how its processes are told, and what stands behind it."""

    data: Path
    env: dict[str, str]
    database: str
    broker: str
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    pids: dict[str, int] = field(default_factory=dict)

    def core_s(self) -> dict[str, float]:
        """Processor time by name, of each process and its living descendants."""
        return {name: _watch.core_s(pid) for name, pid in self.pids.items()}

    def start(
        self, name: str, *command: str, before: tuple[str, ...] = (), **env: str
    ) -> subprocess.Popen[bytes]:
        """A process of it, ended with it; `before`: what runs it, such as ip netns exec."""
        child = subprocess.Popen(
            [*before, *command], cwd=ROOT, env=self.env | env, stdout=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        self.children.append(child)
        self.pids[name] = child.pid
        return child

    def worker(self, processes: int, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "worker"]
        if self.broker == "folder":
            command = [sys.executable, "-c", EMBEDDED]
        name = f"worker {sum(name.startswith('worker') for name in self.pids) + 1}"
        return self.start(name, *command, before=before, WORKER_PROCESSES=str(processes))

    def stop(self, child: subprocess.Popen[bytes], most_s: float = 15) -> None:
        child.terminate()
        try:
            child.wait(most_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self.children.remove(child)


def _die_with_parent() -> None:
    """In the child: end when the benchmark ends, however it does (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


EMBEDDED = """
import os
import django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
from imagery import supervisor
command = supervisor.worker_command()
os.execv(command[0], command)
"""


@contextmanager
def fresh(
    folder: Path, *, services: bool, address: str = "", site: str = ""
) -> Iterator[Installation]:
    """An empty installation; of this process too. services: PostgreSQL and Redis where they are
    installed, else SQLite and a folder. address: where other machines reach them. site:
    host:port of pictures on this machine."""
    folder.chmod(0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nothing is left behind
    with ExitStack() as stack:
        env = {
            "AFTERIMAGE_DATA": str(folder / "data"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "IMAGERY_FETCH_PRIVATE": site,
            "OMP_NUM_THREADS": "1",
            "LOG_LEVEL": "ERROR",
        }
        database = broker = ""
        pids: dict[str, int] = {}
        if services:
            try:
                database = "PostgreSQL"
                env["DATABASE_URL"], pids[database] = stack.enter_context(
                    _services.postgresql(folder, address)
                )
            except FileNotFoundError as error:
                print(f"{error}: rows lie in SQLite")
                database = ""
            try:
                reached = address or "127.0.0.1"
                broker = "Redis"
                env["CELERY_BROKER_URL"], pids[broker] = stack.enter_context(
                    _services.redis(folder, reached)
                )
            except FileNotFoundError as error:
                print(f"{error}: messages lie in a folder")
                broker = ""
        os.environ.update(env)
        from benchmarks import _event

        (folder / "data").mkdir(exist_ok=True)
        _event.set_up()
        from imagery import supervisor

        supervisor.prepare()
        made = Installation(
            folder / "data",
            os.environ | env,
            database or "SQLite",
            broker or "folder",
            pids={name: pid for name, pid in pids.items() if pid},
        )
        try:
            yield made
        finally:
            from django.db import connections

            connections.close_all()
            for child in list(made.children):
                made.stop(child)

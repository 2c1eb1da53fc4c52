"""gunicorn as docker/entry runs it: everything from the environment."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from config import env, logs

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # where the workers' figures add up: see config.measuring

bind = f"{env.text('HOST', '0.0.0.0')}:{env.number('PORT', 8000, 1)}"  # noqa: S104 — a container's
workers = env.number("WEB_PROCESSES", 2, 1)
threads = env.number("WEB_THREADS", 8, 1)
worker_class = "gthread"
timeout = 120
graceful_timeout = 20
keepalive = 75  # longer than a proxy keeps a connection that it is about to use
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 — heartbeats alone
logconfig_dict = logs.configured(
    env.one_of("LOG_FORMAT", logs.FORMATS), env.text("LOG_LEVEL", "WARNING").upper()
)
# Its own lines go where all others go, and not besides to a handler of its own.
logconfig_dict["loggers"] |= {
    name: {"handlers": [], "propagate": True} for name in ("gunicorn.error", "gunicorn.access")
}

if workers > 1 and not os.environ.get(SHARED):
    os.environ[SHARED] = tempfile.mkdtemp(prefix="afterimage-metrics-")


def on_starting(server: Any) -> None:
    """Figures of an earlier start are no part of this one's."""
    if SHARED in os.environ:
        folder = Path(os.environ[SHARED])
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.db"):
            path.unlink()


def child_exit(server: Any, worker: Any) -> None:
    if SHARED in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    folder = os.environ.get(SHARED, "")
    if Path(folder).name.startswith("afterimage-metrics-"):
        shutil.rmtree(folder, ignore_errors=True)

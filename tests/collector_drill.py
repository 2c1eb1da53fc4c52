"""A collector that runs in children of its own and is killed where it is told to.

Run as a program, with AFTERIMAGE_DATA set: one order a line on standard input, as JSON, one answer
a line on standard output. An order: {"collection": id} and
  kill: n      SIGKILL after its n-th writing statement, 0: before the first
  posts: n     end when the event has so many posts and no gap is open
  turn: true   read again what is due, once, instead
An answer: {"status": of waitpid, "writes": how many writing statements it came to}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

WRITES = ("INSERT", "UPDATE", "DELETE")


class Count:
    """Of writing statements, in all threads."""

    def __init__(self, kill: int | None) -> None:
        self.n, self.kill, self.lock = 0, kill, threading.Lock()

    def __call__(self, execute: Callable, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if sql.lstrip().startswith(WRITES):
            with self.lock:
                self.n += 1
                self.end_if_told()
        return found

    def end_if_told(self) -> None:
        if self.kill == self.n:
            os.kill(os.getpid(), signal.SIGKILL)


def prepare() -> None:
    """Everything imported, no connection open, so that children may fork."""
    import django

    django.setup()
    from django.db import connections

    from imagery import batches, listening, revisits, supervisor  # noqa: F401
    from imagery.core import patience
    from imagery.sources import LIVE  # noqa: F401

    supervisor.prepare()
    batches.pipeline.start = lambda *_, **__: None
    listening.BATCH, listening.BATCH_S, listening.LOOK_S, listening.QUIET_S = 5, 0.05, 0.05, 0.1
    patience.FIRST_S = 0.05
    connections.close_all()


def work(order: dict[str, Any], count: Count) -> None:
    from django.db.backends.signals import connection_created

    from imagery import listening, revisits
    from imagery.models import Gap, Post

    def watched(connection: Any, **_: object) -> None:
        connection.execute_wrappers.append(count)

    connection_created.connect(watched)
    count.end_if_told()
    stop = threading.Event()
    if order.get("turn"):
        revisits.run(stop, pace_s=0)
        return
    thread = threading.Thread(target=listening.run, args=(order["collection"], stop))
    thread.start()
    end = time.monotonic() + 20
    while time.monotonic() < end and thread.is_alive():
        gaps = Gap.objects.filter(state=Gap.State.OPEN)
        if Post.objects.count() >= order["posts"] and not gaps.exists():
            break
        time.sleep(0.02)
    time.sleep(0.1)
    stop.set()
    thread.join(10)


def obey(order: dict[str, Any]) -> dict[str, Any]:
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        count = Count(order.get("kill"))
        try:
            work(order, count)
            os.write(tell, str(count.n).encode())
        finally:
            os._exit(0)
    os.close(tell)
    writes = os.read(told, 100)
    os.close(told)
    _, status = os.waitpid(pid, 0)
    return {"status": status, "writes": int(writes or 0)}


if __name__ == "__main__":
    prepare()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)

"""A process that runs passes in children of its own, and breaks each where it is told to.

Run as a program, with AFTERIMAGE_DATA set: one order a line on standard input, as JSON, one
answer a line on standard output. Libraries are imported once; each order has a fresh child, in
which messages wait in a list and are lost with it. The product knows nothing of all this: what
breaks is patched here.

An order: {"do": "accept" | "resume" | "again" | "retry" | "tell", …}, and of "resume"
  kill: [stage, n]   SIGKILL after the n-th write of that stage's statements, 0: before its first
  locked: stage      another connection holds the write lock from that stage on, to the end
  full: stage        the database may not grow from that stage on
  no_space: stage    files end half-written, with ENOSPC, from that stage on
An answer: {"status": of waitpid, "writes": {stage: n}, "broke": whether it met what was broken}.
"""

from __future__ import annotations

import errno
import hashlib
import importlib
import json
import os
import pkgutil
import signal
import sqlite3
import sys
import traceback
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SLUG = "drill"
IMPORT = "import"
WRITES = ("INSERT", "UPDATE", "DELETE")
# Of the rows, all but what the clock, the order of arrival and the number of tries decide.
UNEQUAL = {"revision", "attempts", "locked_by", "locked_until", "inputs", "payload", "n_bytes_read"}
UNEQUAL |= {"n_new", "n_updated", "n_unchanged", "path", "images_path"}
MESSAGES: deque[tuple[Any, tuple]] = deque()
TIMES = {"posted_at", "first_posted_at", "last_posted_at", "peak_at"}


class Watch:
    """Counts the writes of each stage, and breaks things where the order says."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.stage = ""
        self.writes: Counter[str] = Counter()
        self.broke = False
        self.enter(IMPORT)

    def enter(self, stage: str) -> None:
        if stage == self.stage:
            return
        self.stage = stage
        self._kill()
        for what in ("locked", "full", "no_space"):
            if self.order.get(what) == stage:
                getattr(self, f"_{what}")()

    def __call__(self, execute: Callable, sql: str, params: Any, many: bool, context: Any) -> Any:
        from django.db import OperationalError

        try:
            found = execute(sql, params, many, context)
        except OperationalError:
            self.broke = True
            raise
        if sql.lstrip().startswith(WRITES):
            self.writes[self.stage] += 1
            self._kill()
        return found

    def _kill(self) -> None:
        if self.order.get("kill") == [self.stage, self.writes[self.stage]]:
            os.kill(os.getpid(), signal.SIGKILL)

    def _locked(self) -> None:
        from django.conf import settings
        from django.db import connection

        connection.cursor().execute("PRAGMA busy_timeout = 50")
        path = settings.DATABASES["default"]["NAME"]
        self.held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.held.execute("BEGIN IMMEDIATE")

    def _full(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # no room left in pages given up
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")

    def _no_space(self) -> None:
        from imagery import blobs

        whole = os.fdopen

        class HalfFile:
            def __init__(self, handle: int, mode: str) -> None:
                self.file = whole(handle, mode)

            def __enter__(self) -> HalfFile:
                return self

            def __exit__(self, *_: object) -> None:
                self.file.close()

            def write(inner, data: bytes) -> None:
                self.broke = True
                inner.file.write(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        class HalfOs:
            fdopen = HalfFile

        blobs.os = HalfOs()


def prepare() -> None:
    """Everything imported, nothing begun: no thread, no connection, so that children may fork."""
    import django

    django.setup()
    from django.db import connections

    from config.jobs import PatientTask
    from imagery import core, ingest, look, pipeline, supervisor

    PatientTask.delay = lambda task, *arguments: MESSAGES.append((task, arguments))
    # Several chunks, windows and batches of a few pictures; what was killed is silent at once.
    pipeline.CHUNK = dict.fromkeys(pipeline.CHUNK, 4)
    pipeline.WINDOW, pipeline.IMPORT_QUIET_S, ingest.BATCH = 2, -5, 12
    supervisor.prepare()
    look.backbone = _no_weights
    for module in pkgutil.walk_packages(core.__path__, "imagery.core."):
        importlib.import_module(module.name)
    core.descriptors.classic(np.zeros((64, 64, 3), np.uint8))  # scikit-image loads when called
    import faiss  # noqa: F401

    connections.close_all()


def _no_weights(name: str) -> None:
    from imagery.core.weights import WeightsMissing

    raise WeightsMissing(f"no weights for {name} in a drill")


def obey(order: dict[str, Any]) -> dict[str, Any]:
    """Do what is ordered in a child; what it wrote to its pipe, and how it ended."""
    ours, childs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        with os.fdopen(childs, "w") as out:
            _child(order, lambda answer: (out.write(json.dumps(answer)), out.flush()))
        os._exit(0)
    os.close(childs)
    with os.fdopen(ours) as answers:
        told = answers.read()
    status = os.waitpid(pid, 0)[1]
    return {"status": status, **(json.loads(told) if told else {})}


def _child(order: dict[str, Any], tell: Callable[[dict[str, Any]], object]) -> None:
    try:
        tell(globals()[f"_{order['do']}"](order))
    except BaseException:  # noqa: BLE001 — whatever it was, the child ends here
        traceback.print_exc()
        os._exit(1)


# Orders --------------------------------------------------------------------------------------


def _accept(order: dict[str, Any]) -> dict[str, Any]:
    from imagery import ingest
    from imagery.models import Event

    event = Event.objects.create(slug=SLUG, name="Drill")
    ingest.accept_path(event, Path(order["posts"]), images=Path(order["images"]))
    return {}


def _resume(order: dict[str, Any]) -> dict[str, Any]:
    """As a worker that starts: take up all that is unfinished, to its end."""
    from django.db import connection

    from imagery import pipeline
    from imagery.models import Job

    watch = Watch(order)
    run = pipeline.run

    def watched(job_id: int, round: int) -> None:
        watch.enter(Job.objects.values_list("stage", flat=True).get(pk=job_id))
        run(job_id, round)

    pipeline.run = watched
    with connection.execute_wrapper(watch):
        _tried(watch, pipeline.resume_all)
        while MESSAGES:
            task, arguments = MESSAGES.popleft()
            _tried(watch, task, *arguments)
    return {"writes": watch.writes, "broke": watch.broke}


def _tried(watch: Watch, act: Callable, *arguments: Any) -> None:
    """As a worker runs a task: an error is told and the next comes; none but those we made."""
    from django.db import OperationalError

    try:
        act(*arguments)
    except (OperationalError, OSError) as error:
        watch.broke = True
        if not {"locked", "full", "no_space"} & watch.order.keys():
            raise
        print(f"{watch.stage}: {error}", file=sys.stderr)


def _again(order: dict[str, Any]) -> dict[str, Any]:
    from imagery import pipeline
    from imagery.models import Event

    pipeline.start(Event.objects.get(slug=SLUG).pk)
    return {}


def _retry(order: dict[str, Any]) -> dict[str, Any]:
    from imagery import pipeline
    from imagery.models import Event

    return {"n": pipeline.retry(Event.objects.get(slug=SLUG).pk, kind=order["kind"])}


def _tell(order: dict[str, Any]) -> dict[str, Any]:
    """All rows in natural keys, jobs, and files: what two installations are compared by."""
    from django.apps import apps
    from django.conf import settings

    from imagery import pipeline
    from imagery.models import Job

    models = [m for m in apps.get_app_config("imagery").get_models() if m is not Job]
    natural = {model: _natural(model) for model in models}
    rows = {model.__name__: _rows(model, natural) for model in models}
    files = sorted(p.name for p in (settings.DATA_DIR / "files").rglob("*") if p.is_file())
    jobs = Job.objects.order_by("pk").values_list("stage", "state", "message")
    return {
        "rows": rows | {"arrays": _arrays(natural)},
        "files": files,
        "idle": pipeline.is_idle(),
        "jobs": [list(job) for job in jobs],
    }


# Rows in natural keys ------------------------------------------------------------------------


def _natural(model: Any) -> dict[int, str]:
    names = {
        "Event": "slug", "Account": "uid", "Post": "uid", "Link": "url", "Image": "sha256",
        "UniqueImage": "representative__sha256", "Import": "filename",
    }  # fmt: skip
    return dict(model.objects.values_list("pk", names.get(model.__name__, "pk")))


def _rows(model: Any, natural: dict[Any, dict[int, str]]) -> list[str]:
    from imagery import version_marks

    fields = [
        field
        for field in model._meta.concrete_fields
        if not field.primary_key
        and field.name not in UNEQUAL
        and (field.get_internal_type() != "DateTimeField" or field.name in TIMES)
    ]

    def shown(field: Any, value: Any) -> str:
        if field.name == "versions_by" and (lead := version_marks.lead_of(value)) is not None:
            return value.removesuffix(str(lead)) + natural[model][lead]
        if field.related_model in natural and value is not None:
            return str(natural[field.related_model][value])
        if isinstance(value, bytes | memoryview):
            return hashlib.sha256(value).hexdigest()
        return str(value)

    rows = model.objects.values_list(*(field.attname for field in fields))
    return sorted(
        " | ".join(f"{f.name}={shown(f, v)}" for f, v in zip(fields, row, strict=True))
        for row in rows
    )


def _arrays(natural: dict[Any, dict[int, str]]) -> list[str]:
    """Of the pages' arrays what is free of ids: sizes, the timeline, the tree."""
    from imagery import snapshots
    from imagery.models import Event, Snapshot, UniqueImage

    names = natural[UniqueImage]
    event = Event.objects.get(slug=SLUG)
    found = []
    for kind in Snapshot.Kind.values:
        made = snapshots.read(event, kind)
        found += [f"{kind} {name} {array.shape}" for name, array in sorted(made.items())]
        if kind == Snapshot.Kind.TIMELINE:
            triples = zip(made["minute"], made["unique"], made["n"], strict=True)
            found += sorted(f"{minute} {names[unique]} {n}" for minute, unique, n in triples)
        if kind == Snapshot.Kind.TREE:
            found += [str(sorted(made["d"].tolist())), str(made["n_groups"].tolist())]
    return found


if __name__ == "__main__":
    prepare()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)

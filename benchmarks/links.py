"""Links that were met before, found among millions: URL de-duplication.

python -m benchmarks links [--links 10000000] [--batches 20] [--embedded]

An event with so many links; batches of 1,000 posts as a collector stores them, each with one
link, half of which the event has. First the links alone, then whole posts through the same
`Storing`. Peer: a SELECT and, where nothing is found, an INSERT by the ORM for each link. In
PostgreSQL where it is installed, and in SQLite.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _installation, _services

if TYPE_CHECKING:
    from imagery.sources.base import Record

BATCH = 1000
PEER = 300  # links of the peer: it is slow


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="links")
    parser.add_argument("--links", type=int, default=10_000_000)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--embedded", action="store_true", help="SQLite alone")
    parser.add_argument("--one", choices=("postgresql", "sqlite"), help="in this process")
    options = parser.parse_args(arguments)
    if options.one:
        measure(options.one == "postgresql", options.links, options.batches)
        return
    both = ["postgresql"] if _services.programs() and not options.embedded else []
    for one in [*both, "sqlite"]:
        command = [sys.executable, "-m", "benchmarks", "links", "--one", one]
        counts = ["--links", str(options.links), "--batches", str(options.batches)]
        subprocess.run([*command, *counts], cwd=_installation.ROOT, check=True)


def measure(services: bool, n_links: int, n_batches: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="afterimage-bench-") as made,
        _installation.fresh(Path(made), services=services) as installation,
    ):
        from imagery.models import Event
        from imagery.storing import Storing

        event = Event.objects.create(slug="links", name="Links")
        begun = time.perf_counter()
        fill(event, n_links, list(range(1, (2 * n_batches + 2) * BATCH, 2)))
        spent = time.perf_counter() - begun
        print(
            f"{installation.database}: {n_links:,} links, put in within {spent:.0f} s", flush=True
        )
        storing = Storing(event)
        storing.store(_records(0))  # warm
        n = BATCH * n_batches
        batches = [_records(i) for i in range(1, 2 * n_batches + 1)]
        with _spent() as alone:
            for batch in batches[:n_batches]:
                storing._store_links(batch)
        print(f"  links alone            {_told(n, alone)}")
        with _spent() as posts:
            for batch in batches[n_batches:]:
                storing.store(batch)
        print(f"  posts with their links {_told(n, posts)}")
        with _spent() as peer:
            for record in _records(2 * n_batches + 1)[:PEER]:
                _by_orm(event, record)
        print(f"  peer: SELECT, INSERT   {_told(PEER, peer)}", flush=True)


def _url(number: int) -> str:
    return f"https://pictures{number % 977}.example/media/{number:x}.jpg"


def fill(event: Any, n_links: int, met: list[int]) -> None:
    """So many links, made by the database itself; keys as evenly spread as a hash's. `met`: the
    numbers of those that are stored as links are, to be met again."""
    from django.db import connection

    from imagery.models import Link
    from imagery.storing import link_key
    from imagery.writing import insert_rows

    is_sqlite = connection.vendor == "sqlite"
    given = {
        "event_id": str(event.pk),
        "url": "'https://pictures' || (i %% 977) || '.example/media/' || i || '.jpg'",
        "key": "lower(hex(randomblob(16)))" if is_sqlite else "md5(i::text)",
        "state": "'fetched'",
    }
    left = [f for f in Link._meta.concrete_fields if f.column not in given and not f.primary_key]
    names = ", ".join((*given, *(str(f.column) for f in left)))
    values = ", ".join((*given.values(), *["%s"] * len(left)))
    series = "generate_series(1, %s) AS i"
    if is_sqlite:
        series = (
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %s) "
            "SELECT i FROM n)"
        )
    defaults = [f.get_db_prep_save(f.get_default(), connection) for f in left]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO imagery_link ({names}) SELECT {values} FROM {series}",
            [*defaults, max(0, n_links - len(met))],
        )
    rows = [(event.pk, link_key(url), url, "fetched") for url in map(_url, met)]
    insert_rows(Link, ("event_id", "key", "url", "state"), rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE imagery_link")


def _records(batch: int) -> list[Record]:
    """Posts of one batch: those of odd numbers show a link that the event has."""
    from imagery.sources.base import ImageRef, Record

    at = datetime(2017, 9, 20, tzinfo=UTC)
    return [
        Record(
            platform="simulator",
            uid=str(number),
            posted_at=at,
            text="A post about the storm",
            images=(ImageRef(url=_url(number)),),
        )
        for number in range(batch * BATCH, (batch + 1) * BATCH)
    ]


def _by_orm(event: Any, record: Record) -> None:
    from imagery.models import Link
    from imagery.storing import link_key

    url = record.images[0].url
    if not Link.objects.filter(event=event, key=link_key(url)).exists():
        Link.objects.create(event=event, key=link_key(url), url=url)


@contextmanager
def _spent() -> Iterator[list[float]]:
    """Seconds: of this process's processor time, then in all."""
    spent: list[float] = []
    begun, all_begun = time.process_time(), time.perf_counter()
    yield spent
    spent += [time.process_time() - begun, time.perf_counter() - all_begun]


def _told(n: int, spent: list[float]) -> str:
    core, whole = spent
    return f"{n / whole:10,.0f} links/s   {core / n * 1e6:8.1f} µs of a core each, in this process"


if __name__ == "__main__":
    main(sys.argv[1:])

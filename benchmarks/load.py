"""Posts with pictures at rising rates through the real path, to the page (paper D, Figures 7–9).

python -m benchmarks load [--rates 5,10,20,40] [--seconds 30] [--pictures 400] [--processes 2]
                          [--embedded] [--plot FILE] [--most-s 240]

A simulator of a live event. A web server on loopback holds the pictures (about 130 kB each; each
address is another file, and so many of them look different); posts of a live collection are
stored in a batch a second, each with one new address; workers fetch, look and organise as they
always do, beside PostgreSQL and Redis where they are installed; a reader asks the web server for
the latest pictures twice a second, and so finds when each post is on the pages.

All of it shares this machine: simulator, picture server, database, broker, workers, web server.
The paper's own figures for its system: 8, 9 and 10 images a second through its collector, its
filters and its classifier, and 50 a minute in all, people included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks import _installation, _load_report, _services, _site

SLUG = "load"
BATCH_S = 1.0  # as the collector takes posts in
ASK_S = 0.5
PAGE = 200  # pictures asked for at once


@dataclass
class Run:
    """What is known of the simulated posts, by their number: seconds since the run began."""

    begun: float
    pictures: int
    published: dict[int, float] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    number: dict[str, int] = field(default_factory=dict)  # posted_at as the API writes it
    asked_ms: list[float] = field(default_factory=list)
    core_s: dict[str, float] = field(default_factory=dict)

    def now(self) -> float:
        return time.time() - self.begun

    def show(self, number: int, at: float) -> None:
        """The post is on the pages, and so are earlier ones of its picture: it counts them all,
        but is listed by its last."""
        while number >= 0 and number not in self.shown:
            self.shown[number] = at
            number -= self.pictures


def main(arguments: list[str]) -> None:
    options = _options(arguments)
    rates = [float(rate) for rate in options.rates.split(",")]
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as made:
        folder = Path(made)
        pictures = folder / "pictures"
        pictures.mkdir()
        _site.make_scenes(pictures, options.pictures)
        with (
            _Site(pictures, options.latency) as site,
            _installation.fresh(folder, services=not options.embedded, site=site) as installation,
        ):
            print(
                f"{installation.database}, {installation.broker}, {options.processes} worker "
                f"processes, {os.cpu_count()} cores, {options.pictures} pictures",
                flush=True,
            )
            run, steps = _simulate(installation, site, rates, options)
            found = _load_report.measured(SLUG, run.published, run.shown, steps, run.begun)
            _load_report.show(found, run.asked_ms, run.core_s, len(run.shown))
            if options.plot:
                _load_report.plot(found, Path(options.plot))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="load")
    parser.add_argument("--rates", default="5,10,20,40", help="posts a second, one after another")
    parser.add_argument("--seconds", type=float, default=30, help="of each rate")
    parser.add_argument("--pictures", type=int, default=400, help="that look different")
    parser.add_argument("--processes", type=int, default=2, help="of the worker")
    parser.add_argument("--latency", type=float, default=0.05, help="s, of the picture server")
    parser.add_argument("--most-s", type=float, default=240, help="after which no more is waited")
    parser.add_argument("--embedded", action="store_true", help="SQLite and a folder")
    parser.add_argument("--plot", metavar="FILE", help="write the figures as an HTML page")
    return parser.parse_args(arguments)


class _Site:
    """The picture server; yields host:port."""

    def __init__(self, pictures: Path, latency_s: float, address: str = "127.0.0.1") -> None:
        command = [sys.executable, "-m", "benchmarks._site", str(pictures), address]
        self._process = subprocess.Popen(
            [*command, str(latency_s)], stdout=subprocess.PIPE, text=True, cwd=_installation.ROOT
        )
        assert self._process.stdout is not None
        self.pid = self._process.pid
        self._place = f"{address}:{int(self._process.stdout.readline())}"

    def __enter__(self) -> str:
        return self._place

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def _simulate(
    installation: _installation.Installation,
    site: str,
    rates: list[float],
    options: argparse.Namespace,
) -> tuple[Run, list[_load_report.Step]]:
    from imagery import supervisor

    token = _event(site)
    port = _services.free_port()
    installation.start("web server", *supervisor.web_command("127.0.0.1", port))
    installation.worker(options.processes)
    if installation.broker == "Redis":
        installation.start("beat", sys.executable, "manage.py", "beat")
    _warm(site, options.most_s)
    run, stop = Run(time.time(), options.pictures), threading.Event()
    before = installation.core_s() | {"simulator": time.process_time()}
    reader = threading.Thread(target=_read, args=(run, f"http://127.0.0.1:{port}", token, stop))
    reader.start()
    steps = []
    try:
        for rate in rates:
            steps.append(_load_report.Step(rate, run.now(), run.now() + options.seconds))
            _publish(run, site, rate, steps[-1].end)
            print(f"{rate:g} posts/s: {len(run.published):,} published, "
                  f"{len(run.shown):,} on the pages", flush=True)  # fmt: skip
        while len(run.shown) < len(run.published) and run.now() < options.most_s:
            time.sleep(0.2)
    finally:
        stop.set()
        reader.join()
    after = installation.core_s() | {"simulator": time.process_time()}
    run.core_s = {name: after[name] - before.get(name, 0.0) for name in after}
    return run, steps


def _event(site: str) -> str:
    """A live event and its collection; returns its owner's token."""
    from django.contrib.auth.models import User
    from rest_framework.authtoken.models import Token

    from imagery.models import Collection, Event, Membership, Role

    event = Event.objects.create(slug=SLUG, name="Load")
    # Told to be on; nobody collects it but this process.
    Collection.objects.create(event=event, name="simulator", source="simulator", state="on")
    owner = User.objects.create_user("owner", password=None)
    Membership.objects.create(event=event, user=owner, role=Role.OWNER)
    return str(Token.objects.create(user=owner).key)


def _warm(site: str, most_s: float) -> None:
    """One post, shown: processes are up, and the network is converted."""
    from imagery.models import Event

    _store([_record(site, 0, 10**6)])
    until = time.monotonic() + most_s
    while not Event.objects.filter(slug=SLUG, n_unique=1).exists():
        if time.monotonic() > until:
            raise TimeoutError("the workers did not bring the first post onto the pages")
        time.sleep(0.2)


def _record(site: str, picture: int, number: int, at: datetime | None = None) -> object:
    from imagery.sources.base import AccountRecord, ImageRef, Record

    return Record(
        platform="simulator",
        uid=str(number),
        posted_at=at or datetime.now(UTC),
        text=f"Post {number} about the storm #storm",
        lang="en",
        hashtags=("storm",),
        account=AccountRecord(uid=str(number % 97), handle=f"person{number % 97}"),
        images=(ImageRef(url=f"http://{site}/{picture}-{number}.jpg"),),
    )


def _store(records: list[object]) -> None:
    """As a collector does with a batch."""
    from django.db import transaction

    from imagery import pipeline
    from imagery.models import Collection
    from imagery.storing import Storing

    row = Collection.objects.select_related("event").get(event__slug=SLUG)
    with transaction.atomic():
        Storing(row.event, collection=row).store(records)  # type: ignore[arg-type]
        pipeline.start(row.event_id, quick=True)


def _publish(run: Run, site: str, rate: float, end: float) -> None:
    """Posts at that rate, in batches, until the run's second `end`; each counts from the moment
    at which it would have come off the wire, before its batch was full."""
    due = last = run.now()
    while (now := run.now()) < end:
        records = []
        while due <= now:
            number = len(run.published)
            at = datetime.fromtimestamp(run.begun + due, UTC)
            run.published[number] = due
            run.number[at.isoformat()] = number
            records.append(_record(site, number, number, at))
            due += 1 / rate
        if records:
            _store(records)
        last += BATCH_S
        time.sleep(max(0.0, last - run.now()))


def _read(run: Run, web: str, token: str, stop: threading.Event) -> None:
    """Ask for the latest pictures until everything published is among what was shown."""
    import urllib3

    pool = urllib3.PoolManager(headers={"Authorization": f"Token {token}"})
    address = f"{web}/api/events/{SLUG}/images/?ordering=-last_posted_at&limit={PAGE}"
    while not stop.wait(ASK_S):
        asked = time.perf_counter()
        try:
            answer = pool.request("GET", address, timeout=30)
        except urllib3.exceptions.HTTPError:
            continue
        run.asked_ms.append((time.perf_counter() - asked) * 1e3)
        if answer.status != 200:
            continue
        page, now = answer.json(), run.now()
        while page is not None:
            times = [row["last_posted_at"] for row in page["results"] if row["last_posted_at"]]
            new = [_number(run, at) for at in times]
            fresh = [number for number in new if number is not None and number not in run.shown]
            for number in fresh:
                run.show(number, now)
            more = page["next"] if len(fresh) == PAGE else None
            page = pool.request("GET", f"{address}&cursor={more}").json() if more else None


def _number(run: Run, posted_at: str) -> int | None:
    at = datetime.fromisoformat(posted_at).astimezone(UTC)
    return run.number.get(at.isoformat())


def percentiles(values: list[float]) -> tuple[float, float]:
    """p50 and p95; NaN where there are none."""
    if not values:
        return float("nan"), float("nan")
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)


if __name__ == "__main__":
    main(sys.argv[1:])

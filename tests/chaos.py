"""Services broken at random while posts arrive: nothing is lost and nothing counts twice.

python -m tests.chaos [--seconds 300] [--seed 1]    a long drill; the tests run a short one

Posts come in small imports, their pictures from a local web server. Meanwhile processes are
killed, Redis is emptied, PostgreSQL is stopped without warning, messages are sent twice. Then the
rows are those of an installation that took in the same posts in peace.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import redis

from tests.http_server import page, serve
from tests.pictures import jpeg, photo, smaller
from tests.service_stack import (
    ROOT,
    Postgresql,
    Stack,
    postgresql,
    redis_server,
    worker_command,
)

SLUG = "drill"
ROWS = ("Account", "Post", "Link", "Image", "UniqueImage", "PostLink", "Vector", "Match", "Event")
N_PICTURES = 30  # each in two versions
PER_IMPORT = 20
SETTLED_S = 180
TELL = (
    "import json, tests.drilling as d; from imagery import passes, pipeline;"
    "idle = pipeline.is_idle() and not passes.stranded().exists();"
    "t = d._tell({}) if idle else {'rows': {'UniqueImage': []}, 'jobs': []};"
    "print(json.dumps({'rows': t['rows'], 'idle': idle, 'jobs': t['jobs']}))"
)


@contextlib.contextmanager
def picture_server() -> Iterator[tuple[str, list[str]]]:
    """host:port of a server of pictures, and their paths; every seventh is cut short."""
    pages = {}
    for i in range(N_PICTURES):
        whole = photo(i, (600, 450))
        for k, picture in enumerate((whole, smaller(whole))):
            data = jpeg(picture)
            broken = (2 * i + k) % 7 == 6
            pages[f"/{i}-{k}.jpg"] = page(data[:300] if broken else data, content_type="image/jpeg")
    with serve(pages) as server:
        yield server.place, list(pages)


def write_posts(folder: Path, place: str, paths: list[str]) -> list[Path]:
    """NDJSON files of a few posts each; pictures in one to three posts, some posts in two files."""
    start = datetime(2024, 3, 1, tzinfo=UTC)
    rows = [
        {
            "platform": "twitter",
            "id": f"{i}-{k}",
            "posted_at": (start + timedelta(minutes=11 * i + k)).isoformat(),
            "text": f"picture {i} #Flood",
            "account": {"id": str(i % 7), "handle": f"a{i % 7}"},
            "images": [{"url": f"http://{place}{path}"}],
        }
        for i, path in enumerate(paths)
        for k in range(1 + i % 3)
    ]
    files = []
    for begin in range(0, len(rows), PER_IMPORT):
        path = folder / f"posts-{begin:04}.ndjson"
        path.write_text("\n".join(map(json.dumps, rows[max(0, begin - 2) : begin + PER_IMPORT])))
        files.append(path)
    return files


def make_stack(folder: Path, database: str, broker: str, place: str) -> Stack:
    env = os.environ | {
        "AFTERIMAGE_DATA": str(folder / "data"),
        "DATABASE_URL": database,
        "CELERY_BROKER_URL": broker,
        "IMAGERY_WEIGHTS_DIR": str(folder.parent / "none"),
        "IMAGERY_FETCH_PRIVATE": place,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OMP_NUM_THREADS": "1",
    }
    schedule = ("--schedule", str(folder / "beat"), "--loglevel", "WARNING")
    commands = {
        "one": worker_command("asked,organise,look,fetch,celery"),
        "two": worker_command("celery,asked,fetch,look,organise"),
        "beat": [sys.executable, "-m", "celery", "--quiet", "-A", "config", "beat", *schedule],
    }
    stack = Stack(env, commands, folder / "log")
    stack.manage("migrate", "-v0")
    stack.manage(
        "shell", "-v0", "-c",
        f"from imagery.models import Event; Event.objects.create(slug={SLUG!r}, name='Drill')",
    )  # fmt: skip
    return stack


# What goes wrong -----------------------------------------------------------------------------


class Breaker:
    """Breaks something, by chance, and mends it."""

    def __init__(self, stack: Stack, server: Postgresql, broker: str, chance: random.Random):
        self.stack, self.server, self.broker, self.chance = stack, server, broker, chance
        self.told: list[str] = []

    def act(self) -> None:
        faults: list[Callable[[], str]] = [
            *[self.killed] * 4,
            self.redis_emptied,
            self.database_stopped,
            self.sent_twice,
        ]
        self.told.append(self.chance.choice(faults)())

    def killed(self) -> str:
        name = self.chance.choice(list(self.stack.commands))
        self.stack.kill(name)
        time.sleep(self.chance.uniform(0, 1))
        self.stack.start(name)
        return f"{name} killed"

    def redis_emptied(self) -> str:
        with redis.Redis.from_url(self.broker) as client:
            client.flushall()
        return "Redis emptied"

    def database_stopped(self) -> str:
        self.server.stop("immediate")
        time.sleep(self.chance.uniform(0, 1))
        self.server.start()
        return "PostgreSQL stopped"

    def sent_twice(self) -> str:
        """Every message that waits is there twice."""
        with redis.Redis.from_url(self.broker) as client:
            for queue in ("fetch", "look", "organise", "asked", "celery"):
                for message in client.lrange(queue, 0, -1):
                    client.lpush(queue, message)
        return "messages sent twice"


def run(files: list[Path], stack: Stack, breaker: Breaker | None, seconds: float) -> dict:
    """Bring the files in, over that time at least; returns the rows once nothing is left to do."""
    stack.start()
    try:
        if breaker is None:
            _bring(stack, *files)
            return _settled(stack)
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(1) as pool:
            bringing = [pool.submit(_bring, stack, path) for path in files]
            while time.monotonic() < until or not all(one.done() for one in bringing):
                time.sleep(breaker.chance.uniform(0.5, 3))
                breaker.act()
            for one in bringing:
                one.result()
        return _settled(stack)
    finally:
        stack.stop()


def _bring(stack: Stack, *paths: Path) -> None:
    """As a person would: again if it fails."""
    for _ in range(20):
        run = [sys.executable, "manage.py", "import_posts", SLUG, *map(str, paths)]
        done = subprocess.run(
            run, cwd=ROOT, env=stack.env, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode == 0:
            return
        time.sleep(1)
    raise AssertionError(done.stdout + done.stderr)


def _settled(stack: Stack) -> dict:
    begun = time.monotonic()
    until = begun + SETTLED_S
    while True:
        told = json.loads(stack.manage("shell", "-v0", "-c", TELL).splitlines()[-1])
        if told["idle"] and told["rows"]["UniqueImage"]:
            print(f"settled in {time.monotonic() - begun:.0f} s, {len(told['jobs'])} jobs")
            return told
        assert time.monotonic() < until, f"not settled: {told['jobs'][-5:]}"
        time.sleep(2)


def drill(folder: Path, seconds: float, seed: int) -> list[str]:
    """Raises AssertionError where the rows differ; returns what was broken."""
    with postgresql() as server, redis_server() as broker, picture_server() as (place, paths):
        files = write_posts(folder, place, paths)
        found = []
        for name, breaking in (("peace", False), ("war", True)):
            with psycopg.connect(server.url, autocommit=True) as rows:
                rows.execute(f"CREATE DATABASE {name}")
            (home := folder / name).mkdir()
            database = server.url.rpartition("/")[0] + f"/{name}"
            stack = make_stack(home, database, broker, place)
            breaker = Breaker(stack, server, broker, random.Random(seed)) if breaking else None
            begun = time.monotonic()
            found.append(run(files, stack, breaker, seconds))
            print(f"in {name} it took {time.monotonic() - begun:.0f} s", flush=True)
        assert breaker is not None
        quiet, broken = found
        for name in ROWS:
            assert broken["rows"][name] == quiet["rows"][name], f"{name} differ, {breaker.told}"
        assert not [job for job in broken["jobs"] if job[1] == "failed"], broken["jobs"]
        return breaker.told


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="afterimage-chaos-") as folder:
        print(*drill(Path(folder), options.seconds, options.seed), sep="\n")


if __name__ == "__main__":
    main()

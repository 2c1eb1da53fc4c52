"""Collectors killed with -9 at chosen writes: the rows are those of an undisturbed run.

A real process, a real database file, a real Jetstream on this machine. What is published is told
in turn to every run; the killed one is started again on the same rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.live_servers import Jetstream, jetstream, skeet

pytestmark = pytest.mark.django_db  # whose tables are copied

ROOT = Path(__file__).parent.parent
START = datetime.now(UTC) - timedelta(days=1, minutes=5)
POSTS = "SELECT uid, text, has_images, gone, likes, source_id FROM imagery_post ORDER BY uid"
LINKS = (
    "SELECT p.uid, l.url, pl.position FROM imagery_postlink pl JOIN imagery_post p ON "
    "p.id = pl.post_id JOIN imagery_link l ON l.id = pl.link_id ORDER BY 1, 2"
)
READINGS = (
    "SELECT p.uid, r.day, r.state, r.likes FROM imagery_reading r JOIN imagery_post p ON "
    "p.id = r.post_id ORDER BY 1, 2"
)
COUNTS = "SELECT n_new, (SELECT sum(n_new) FROM imagery_minute) FROM imagery_collection"


class Drill:
    """The process, and the database that it works on."""

    def __init__(self, folder: Path, server: Jetstream) -> None:
        self.server, self.path = server, folder / "db.sqlite3"
        places = f"{server.place},{server.api.place}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.collector_drill"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
            | {
                "AFTERIMAGE_DATA": str(folder),
                "IMAGERY_FETCH_PRIVATE": places,
                "DJANGO_SETTINGS_MODULE": "config.settings",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def do(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"collection": 1, **order}) + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def rows(self, query: str) -> list[tuple]:
        with sqlite3.connect(self.path) as held:
            return held.execute(query).fetchall()

    def anew(self) -> None:
        """An empty event with one collection that has heard of nothing but its cursor."""
        now = datetime.now(UTC).isoformat(sep=" ", timespec="microseconds")[:26]
        tables = ("reading", "gap", "minute", "postlink", "post", "link", "account")
        with sqlite3.connect(self.path, timeout=10) as held:
            for table in (*tables, "collection", "event"):
                held.execute(f"DELETE FROM imagery_{table}")
            _insert(held, "imagery_event", id=1, slug="flood", name="Flood", created_at=now)
            cursor = str(int(START.timestamp() * 1e6))
            _insert(
                held, "imagery_collection", id=1, event_id=1, name="flood", source="bluesky",
                options=json.dumps(self.server.options), state="on", cursor=cursor,
                revisit_days="[1]", created_at=now,
            )  # fmt: skip

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _insert(held: sqlite3.Connection, table: str, **given: Any) -> None:
    """A row with the given columns, and for the others what their type and constraint allow."""
    values: dict[str, Any] = {}
    for _, name, kind, not_null, default, _ in held.execute(f"PRAGMA table_info({table})"):
        if name in given:
            values[name] = given[name]
        elif not_null and default is None:
            values[name] = "" if kind.startswith(("varchar", "text")) else 0
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    held.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


@pytest.fixture(scope="module")
def server() -> Iterator[Jetstream]:
    with jetstream() as running:
        for n in range(14):
            post = skeet(n, at=START + timedelta(seconds=n))
            running.publish(post)
            running.api.tell(post, likeCount=n, repostCount=0, replyCount=1)
        running.publish(skeet(3, at=START + timedelta(seconds=20), operation="delete"))
        running.publish(skeet(5, text="Edited", at=START + timedelta(seconds=21)))
        yield running


@pytest.fixture(scope="module")
def drill(
    server: Jetstream, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[Drill]:
    folder = tmp_path_factory.mktemp("collector")
    if connection.vendor == "sqlite":  # its tables, made already
        made_already = sqlite3.connect(connection.settings_dict["NAME"])
        with sqlite3.connect(folder / "db.sqlite3") as held:
            made_already.backup(held)
        made_already.close()
    made = Drill(folder, server)
    try:
        yield made
    finally:
        made.end()


def _points(n: int, most: int) -> list[int]:
    """Some of 0…n, spread evenly, the first and the last among them."""
    return sorted({round(i * n / (most - 1)) for i in range(most)})


def test_a_collector_killed_anywhere_loses_and_doubles_nothing(drill):
    drill.anew()
    whole = drill.do(posts=14)
    assert whole["status"] == 0
    wanted = [drill.rows(query) for query in (POSTS, LINKS, COUNTS)]
    assert len(wanted[0]) == 14
    assert [row[3] for row in wanted[0]].count("deleted") == 1
    assert wanted[2] == [(14, 14)]
    for n in _points(whole["writes"] * 3 // 4, 6):
        drill.anew()
        assert drill.do(posts=14, kill=n)["status"] == 9, n
        assert drill.do(posts=14)["status"] == 0
        assert [drill.rows(query) for query in (POSTS, LINKS, COUNTS)] == wanted, n


def test_readings_killed_anywhere_are_there_once(drill):
    def collected() -> None:
        drill.anew()
        drill.do(posts=14)
        with sqlite3.connect(drill.path, timeout=10) as held:
            held.execute("UPDATE imagery_post SET visit_at = '2020-01-01', stored_at = posted_at")
            held.execute("UPDATE imagery_post SET visit_at = NULL WHERE gone != ''")

    collected()
    whole = drill.do(turn=True)
    wanted = [drill.rows(query) for query in (POSTS, READINGS)]
    assert len(wanted[1]) == 13
    for n in _points(whole["writes"] - 1, 3):
        collected()
        assert drill.do(turn=True, kill=n)["status"] == 9, n
        drill.do(turn=True)
        assert [drill.rows(query) for query in (POSTS, READINGS)] == wanted, n

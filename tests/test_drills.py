"""Fault drills with real processes: a worker killed at every stage loses and doubles nothing."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.pictures import jpeg, photo, smaller

ROOT = Path(__file__).parent.parent
N = 70  # pictures, each in two versions
QUERIES = {
    "sets": "select u.n_posts, u.n_copies, u.n_links, u.n_accounts, u.rank, i.sha256"
    " from imagery_uniqueimage u join imagery_image i on i.id = u.representative_id"
    " order by u.rank",
    "members": "select i.sha256, r.sha256, i.distance, i.phash, i.n_posts from imagery_image i"
    " join imagery_uniqueimage u on u.id = i.unique_id"
    " join imagery_image r on r.id = u.representative_id order by i.sha256",
    "links": "select url, state, n_posts, reason from imagery_link order by url",
    "vectors": "select i.sha256, v.layer, v.embedder, hex(v.\"values\") from imagery_vector v"
    " join imagery_image i on i.id = v.image_id order by 1, 2, 3",
    "event": "select n_posts, n_image_posts, n_links, n_images, n_unique, n_groups, n_failed_links"
    " from imagery_event",
    "groups": "select i.sha256, l.sha256 from imagery_uniqueimage u"
    " join imagery_image i on i.id = u.representative_id"
    " join imagery_uniqueimage g on g.id = u.group_id"
    " join imagery_image l on l.id = g.representative_id order by 1",
}  # fmt: skip


@pytest.fixture(scope="module")
def posts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("posts")
    (folder / "pictures").mkdir()
    rows = []
    start = datetime(2024, 3, 1, tzinfo=UTC)
    for i in range(2 * N):
        picture = photo(i // 2, (900, 700))
        name = f"{i:04}.jpg"
        data = jpeg(picture if i % 2 else smaller(picture))
        (folder / "pictures" / name).write_bytes(data[:400] if i % 40 == 9 else data)
        for k in range(1 + i % 3):
            rows.append(
                {
                    "platform": "twitter",
                    "id": f"{i}-{k}",
                    "posted_at": (start + timedelta(minutes=11 * i + k)).isoformat(),
                    "account": {"id": str(i % 7)},
                    "images": [{"url": f"https://demo.invalid/{name}", "file": name}],
                }
            )
    (folder / "posts.ndjson").write_text("\n".join(map(json.dumps, rows)))
    return folder


class Instance:
    """An installation of its own, driven as a person would."""

    def __init__(self, data: Path, posts: Path) -> None:
        self.data = data
        self.env = os.environ | {
            "AFTERIMAGE_DATA": str(data),
            "IMAGERY_WEIGHTS_DIR": str(data / "none"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        self.env.pop("DATABASE_URL", None)
        self.manage("migrate", "-v0")
        self.manage(
            "import_posts", "drill", str(posts / "posts.ndjson"),
            "--images", str(posts / "pictures"), "--no-process",
        )  # fmt: skip

    def manage(self, *command: str) -> str:
        run = [sys.executable, "manage.py", *command]
        done = subprocess.run(
            run, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, query: str) -> list[tuple]:
        with sqlite3.connect(self.data / "db.sqlite3", timeout=30) as rows:
            return rows.execute(query).fetchall()

    def found(self) -> dict[str, list[tuple]]:
        return {name: self.ask(query) for name, query in QUERIES.items()}

    def process_and_kill(self, stage: str) -> None:
        """Start `process`; when the stage is under way, kill every process of it, at once."""
        child = subprocess.Popen(
            [sys.executable, "manage.py", "process", "drill"],
            cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        under_way = f"select 1 from imagery_job where stage = '{stage}' and state = 'running'" + (
            " and n_done > 0" if stage in ("fetch", "look") else ""
        )
        until = time.monotonic() + 120
        while not self.ask(under_way) and child.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        assert child.poll() is None, f"the pass ended before {stage} was seen under way"
        for pid in [*_below(child.pid), child.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        child.wait()


def _below(pid: int) -> list[int]:
    """All descendants, the deepest first."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    parents = dict(tuple(map(int, line.split())) for line in listed.splitlines())
    found = [child for child, parent in parents.items() if parent == pid]
    return [deeper for child in found for deeper in _below(child)] + found


@pytest.fixture(scope="module")
def undisturbed(posts, tmp_path_factory) -> dict[str, list[tuple]]:
    instance = Instance(tmp_path_factory.mktemp("undisturbed"), posts)
    instance.manage("process", "drill")
    return instance.found()


@pytest.mark.slow
def test_killed_at_every_stage_the_result_is_the_same(posts, undisturbed, tmp_path):
    assert undisturbed["event"][0][4] == N
    instance = Instance(tmp_path / "killed", posts)
    for stage in ("fetch", "look"):
        instance.process_and_kill(stage)
        assert instance.ask("select count(*) from imagery_job where state = 'running'") == [(1,)]
    instance.manage("process", "drill")
    assert instance.found() == undisturbed
    # Nothing is left waiting, and a further pass changes nothing.
    assert instance.ask("select count(*) from imagery_job where state in ('queued','running')") == [
        (0,)
    ]
    instance.manage("process", "drill")
    assert instance.found() == undisturbed

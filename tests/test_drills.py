"""Fault drills with real processes: what is killed, locked out or out of space loses nothing.

Workers as they run are killed in their spread stages; passes are killed at chosen writes of every
stage by `tests.drilling`, which also locks the database and fills the disk.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from PIL import Image

from imagery.models import Stage
from imagery.pipeline import ORDER
from tests.drilling import IMPORT
from tests.pictures import inner, jpeg, photo, scene, smaller

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


def write_posts(folder: Path, pairs: Iterable[tuple[Image.Image, Image.Image]]) -> None:
    """Pictures, one after its version, some cut short, each in one to three posts."""
    (folder / "pictures").mkdir()
    rows = []
    start = datetime(2024, 3, 1, tzinfo=UTC)
    for i, picture in enumerate(chain.from_iterable(pairs)):
        name = f"{i:04}.jpg"
        data = jpeg(picture)
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


@pytest.fixture(scope="module")
def posts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("posts")
    pictures = (photo(i, (900, 700)) for i in range(N))
    write_posts(folder, ((smaller(picture), picture) for picture in pictures))
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


# Broken at a chosen place --------------------------------------------------------------------

FEW = 12  # pictures, each in two versions, one of them broken
STAGES = (IMPORT, *ORDER)


class Drilled:
    """An installation whose state can be kept and had again, and the process that drives it."""

    def __init__(self, folder: Path) -> None:
        self.data, self.kept = folder / "data", folder / "kept"
        self.data.mkdir()
        env = os.environ | {
            "AFTERIMAGE_DATA": str(self.data),
            "IMAGERY_WEIGHTS_DIR": str(folder / "none"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "OMP_NUM_THREADS": "1",
        }
        env.pop("DATABASE_URL", None)
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.drilling"], cwd=ROOT, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n", self.said()

    def ask(self, do: str, **order: object) -> dict:
        self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        killed = os.WIFSIGNALED(answer["status"]) and os.WTERMSIG(answer["status"])
        expected = signal.SIGKILL if order.get("kill") else 0
        assert killed == expected and (killed or answer["status"] == 0), f"{order}: {self.said()}"
        return answer

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()[-4000:]

    def keep(self, name: str) -> None:
        shutil.copytree(self.data, self.kept / name)

    def restore(self, name: str) -> None:
        shutil.rmtree(self.data)
        shutil.copytree(self.kept / name, self.data)

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def drilled(tmp_path_factory) -> Iterator[Drilled]:
    """Kept under each stage's name: the state in which a worker was killed before it began."""
    folder = tmp_path_factory.mktemp("drilled")
    pictures = [scene(i) for i in range(FEW // 2)]
    versions = (smaller, inner)  # found by hash, and by what is in it alone
    write_posts(folder, ((versions[i % 2](one), one) for i, one in enumerate(pictures)))
    found = Drilled(folder)
    found.ask("accept", posts=str(folder / "posts.ndjson"), images=str(folder / "pictures"))
    found.keep(IMPORT)
    for stage in ORDER:
        found.ask("resume", kill=[stage, 0])
        found.keep(stage)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def whole(drilled: Drilled) -> dict:
    """What an undisturbed pass makes, and how many writes each stage takes."""
    drilled.restore(IMPORT)
    writes = drilled.ask("resume")["writes"]
    assert list(writes) == list(STAGES)
    told = drilled.ask("tell")
    assert [job[:2] for job in told["jobs"]] == [[stage, "done"] for stage in ORDER]
    assert len(told["rows"]["UniqueImage"]) == FEW // 2
    assert any("proven=True" in row for row in told["rows"]["Match"])
    return told | {"writes": writes}


def same(drilled: Drilled, whole: dict, what: object) -> None:
    """All rows and files are those of an undisturbed pass, and nothing is left to do."""
    told = drilled.ask("tell")
    for name, rows in whole["rows"].items():
        assert told["rows"][name] == rows, f"{what}: {name}"
    drafts = [name for name in told["files"] if name.startswith(".draft-")]
    assert [name for name in told["files"] if name not in drafts] == whole["files"], what
    assert told["idle"], what
    assert not [job for job in told["jobs"] if job[1] not in ("done", "failed")], what


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_write_the_result_is_the_same(
    drilled: Drilled, whole: dict, stage: str
) -> None:
    # Counted from where it will be killed: how many there are hangs on the order of arrival.
    drilled.restore(stage)
    n = drilled.ask("resume")["writes"][stage]
    # The first: nothing but the job's state. The last: its end, with the next job, uncommitted.
    for write in sorted({1, n // 3, 2 * n // 3, n}):
        drilled.restore(stage)
        drilled.ask("resume", kill=[stage, write])
        if stage in (Stage.GROUP, Stage.ROLLUP):
            drilled.ask("tell")  # what pages read is whole meanwhile
        drilled.ask("resume")
        same(drilled, whole, (stage, write))


@pytest.mark.slow
def test_killed_at_every_boundary_in_turn_the_result_is_the_same(
    drilled: Drilled, whole: dict
) -> None:
    drilled.restore(ORDER[-1])  # killed before each stage up to here
    drilled.ask("resume")
    same(drilled, whole, "in turn")
    drilled.ask("again")
    drilled.ask("resume")
    same(drilled, whole, "a further pass")


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_locked_out_of_the_database_the_pass_goes_on_later(
    drilled: Drilled, whole: dict, stage: str
) -> None:
    drilled.restore(stage)
    assert drilled.ask("resume", locked=stage)["broke"]
    told = drilled.ask("tell")
    assert not told["idle"]
    assert not [job for job in told["jobs"] if job[1] == "failed"]
    drilled.ask("resume")
    same(drilled, whole, stage)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [IMPORT, Stage.LOOK, Stage.GROUP])  # which write much
def test_a_database_that_cannot_grow_goes_on_later(
    drilled: Drilled, whole: dict, stage: str
) -> None:
    drilled.restore(stage)
    assert drilled.ask("resume", full=stage)["broke"]
    told = drilled.ask("tell")
    assert not told["idle"]
    assert not [job for job in told["jobs"] if job[1] == "failed"]
    drilled.ask("resume")
    same(drilled, whole, stage)


@pytest.mark.slow
def test_pictures_that_found_no_space_are_fetched_when_there_is_some(
    drilled: Drilled, whole: dict
) -> None:
    drilled.restore(Stage.FETCH)
    assert drilled.ask("resume", no_space=Stage.FETCH)["broke"]
    told = drilled.ask("tell")
    assert told["files"] == []
    assert all("No space left on device" in row for row in told["rows"]["Link"])
    assert drilled.ask("retry", kind="storage")["n"] == FEW
    drilled.ask("resume")
    same(drilled, whole, "space again")


@pytest.mark.slow
def test_thumbnails_that_found_no_space_say_so_and_are_made_later(
    drilled: Drilled, whole: dict
) -> None:
    drilled.restore(Stage.LOOK)
    assert drilled.ask("resume", no_space=Stage.LOOK)["broke"]
    told = drilled.ask("tell")
    assert told["jobs"][-1][:2] == ["look", "failed"]
    assert "No space left on device" in told["jobs"][-1][2]
    assert not [name for name in told["files"] if name.startswith(".draft-")]
    drilled.ask("again")
    drilled.ask("resume")
    same(drilled, whole, "space again")

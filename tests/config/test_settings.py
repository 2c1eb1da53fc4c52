"""What the environment chooses, read by fresh interpreters; what does not fit stops the start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TELL = """
import json
from config import settings as s
database = {k: v for k, v in s.DATABASES["default"].items() if k != "PASSWORD"}
print(json.dumps({
    "database": database, "files": s.STORAGES["default"], "embedded": s.EMBEDDED,
    "queues": s.WORKER_QUEUES, "options": s.CELERY_BROKER_TRANSPORT_OPTIONS,
    "names": [queue.name for queue in s.CELERY_TASK_QUEUES], "routes": s.CELERY_TASK_ROUTES,
}, default=str))
"""


def start(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    chosen = ("DATABASE_URL", "CELERY_BROKER_URL", "FILES_URL", "WORKER_QUEUES")
    env = {name: value for name, value in os.environ.items() if name not in chosen}
    env |= {"AFTERIMAGE_DATA": str(tmp_path)} | given
    return subprocess.run(
        [sys.executable, "-c", TELL], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def told(tmp_path: Path, **given: str) -> dict:
    done = start(tmp_path, **given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_set_needs_no_server(tmp_path):
    found = told(tmp_path)
    assert found["embedded"] and found["database"]["ENGINE"].endswith("sqlite3")
    assert found["files"]["OPTIONS"]["location"] == str(tmp_path / "files")
    assert found["queues"] == found["names"] == ["asked", "organise", "look", "fetch"]


def test_services_are_chosen_by_addresses_alone(tmp_path):
    found = told(
        tmp_path,
        DATABASE_URL="postgres://someone@db.example:6432/afterimage?sslmode=require",
        CELERY_BROKER_URL="redis://cache.example/3",
        FILES_URL="s3://pictures/of%20all/",
        WORKER_QUEUES="fetch,asked",
        CONN_MAX_AGE="0",
        DISABLE_SERVER_SIDE_CURSORS="yes",
    )
    assert not found["embedded"]
    database = found["database"]
    assert (database["HOST"], database["PORT"]) == ("db.example", 6432)
    assert database["CONN_MAX_AGE"] == 0 and database["DISABLE_SERVER_SIDE_CURSORS"]
    assert database["OPTIONS"]["sslmode"] == "require"
    assert found["files"]["BACKEND"] == "imagery.bucket.BucketStorage"
    assert found["files"]["OPTIONS"] == {"bucket_name": "pictures", "location": "of all"}
    assert found["queues"] == ["asked", "fetch"]
    assert found["options"]["visibility_timeout"] > 12 * 3600


@pytest.mark.parametrize("url", ["file:///srv/files", "/srv/files"])
def test_files_may_lie_in_a_folder_that_machines_share(tmp_path, url):
    assert told(tmp_path, FILES_URL=url)["files"]["OPTIONS"]["location"] == "/srv/files"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FILES_URL", "s3://"),
        ("FILES_URL", "s3://key@pictures"),
        ("FILES_URL", "ftp://there/files"),
        ("FILES_URL", "files"),
        ("WORKER_QUEUES", "asked,fetsch"),
        ("CONN_MAX_AGE", "a minute"),
        ("DISABLE_SERVER_SIDE_CURSORS", "maybe"),
    ],
)
def test_what_does_not_fit_stops_the_start_and_is_named(tmp_path, name, value):
    done = start(tmp_path, **{name: value})
    assert done.returncode and "ImproperlyConfigured" in done.stderr
    assert name in done.stderr.splitlines()[-1]


def test_each_job_goes_to_a_queue_that_there_is(tmp_path):
    from imagery import tasks

    found = told(tmp_path)
    for task, route in found["routes"].items():
        assert route["queue"] in found["names"]
        assert hasattr(tasks, task.rpartition(".")[2]), task

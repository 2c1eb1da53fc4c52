"""The same tests on a PostgreSQL server of their own, and with Redis as the broker.

A part of them always; all but the browser's with AFTERIMAGE_TEST_SERVICES=1, or by hand:
DATABASE_URL=… CELERY_BROKER_URL=… pytest --ignore tests/browser.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import service_stack

ON_BOTH = (
    "tests/imagery/test_writing.py",
    "tests/imagery/test_text_search.py",
    "tests/imagery/test_storing.py",
    "tests/imagery/test_ingest.py",
    "tests/imagery/test_pipeline.py",
    "tests/imagery/test_locks.py",
    "tests/imagery/test_clock.py",
    "tests/imagery/test_dedup.py",
    "tests/imagery/test_rollup.py",
    "tests/imagery/test_version_history.py",
    "tests/imagery/views/test_search.py",
    "tests/imagery/views/test_image.py",
    "tests/imagery/views/test_events.py",
    "tests/imagery/api/test_search.py",
    "tests/analytics/test_rankings.py",
    "tests/analytics/views/test_top.py",
    "tests/test_hostile_requests.py::test_every_page_bears_every_name_at_once",
)
ALL = ("tests", "--ignore=tests/browser", "--ignore=tests/test_postgresql.py")


@pytest.mark.slow
def test_the_same_tests_pass_on_services() -> None:
    whole = os.environ.get("AFTERIMAGE_TEST_SERVICES") == "1"
    with service_stack.postgresql() as database, service_stack.redis_server() as broker:
        run = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            *(ALL if whole else ON_BOTH),
        ]
        env = os.environ | {"DATABASE_URL": database.url, "CELERY_BROKER_URL": broker}
        done = subprocess.run(
            run, cwd=service_stack.ROOT, env=env, capture_output=True, text=True,
            timeout=3600 if whole else 900, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

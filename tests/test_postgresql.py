"""What speaks to the database in its own words, tried on a PostgreSQL server of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ON_BOTH = (
    "tests/imagery/test_text_search.py",
    "tests/imagery/test_storing.py",
    "tests/imagery/test_dedup.py",
    "tests/imagery/test_rollup.py",
    "tests/imagery/test_version_history.py",
    "tests/imagery/views/test_search.py",
    "tests/imagery/views/test_image.py",
    "tests/imagery/api/test_search.py",
    "tests/analytics/test_rankings.py",
)


def _programs() -> Path | None:
    """Folder of PostgreSQL's programs, of the newest version installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return kept[-1].parent if kept else None


@pytest.fixture
def server() -> Iterator[str]:
    """URL of an empty database; the server takes no connections but through its folder."""
    programs = _programs()
    if programs is None:
        if os.environ.get("AFTERIMAGE_SKIP_NOTHING") == "1":
            pytest.fail("PostgreSQL is not installed, and nothing is to be skipped")
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="afterimage-pg-") as made:
        folder = Path(made)
        run: list[str] = []
        if os.geteuid() == 0:  # it does not run as root
            shutil.chown(folder, "postgres", "postgres")
            run = ["runuser", "-u", "postgres", "--"]
        data, control = folder / "data", [*run, str(programs / "pg_ctl"), "-D", f"{folder}/data"]
        make = [*run, str(programs / "initdb"), "-A", "trust", "-U", "afterimage", "-E", "UTF8"]
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        log = {"stdout": subprocess.DEVNULL, "check": True, "cwd": folder, "timeout": 60}
        subprocess.run([*make, "--no-sync", "-D", str(data)], **log)
        subprocess.run([*control, "-w", "-o", options, "-l", f"{folder}/log", "start"], **log)
        try:
            host = str(folder).replace("/", "%2F")
            yield f"postgres://afterimage@{host}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **log)


@pytest.mark.slow
def test_the_same_tests_pass_on_postgresql(server: str) -> None:
    run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *ON_BOTH]
    env = os.environ | {"DATABASE_URL": server}
    done = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

"""PostgreSQL and Redis of a benchmark's own, in a folder that goes with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Folder of PostgreSQL's programs, of the newest version installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return kept[-1].parent if kept else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql(folder: Path, address: str = "") -> Iterator[tuple[str, int]]:
    """URL of an empty database, and its first process; reached through its folder, or over TCP
    where there is an address. Raises FileNotFoundError where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    home = folder / "postgresql"
    home.mkdir()
    run: list[str] = []
    if os.geteuid() == 0:  # it does not run as root
        for place in (folder, home):
            shutil.chown(place, "postgres", "postgres")
        run = ["runuser", "-u", "postgres", "--"]
    data, port = home / "data", free_port()
    make = [str(found / "initdb"), "-A", "trust", "-U", "afterimage", "-E", "UTF8", "--no-sync"]
    subprocess.run([*run, *make, "-D", str(data)], check=True, stdout=subprocess.DEVNULL, cwd=home)
    if address:
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")
    options = f"-c listen_addresses='{address}' -c unix_socket_directories='{home}' -p {port}"
    options += " -c shared_buffers=256MB -c synchronous_commit=off"
    control = [*run, str(found / "pg_ctl"), "-D", str(data)]
    start = [*control, "-w", "-o", options, "-l", f"{home}/log", "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd=home)
    host = address or str(home).replace("/", "%2F")
    try:
        first = int((data / "postmaster.pid").read_text().split()[0])
        yield f"postgres://afterimage@{host}:{port}/postgres", first
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd=home
        )


@contextmanager
def redis(folder: Path, address: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """URL of an empty Redis, and its process. Raises FileNotFoundError where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError("Redis is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", address, "--save", "", "--dir", str(folder),
               "--protected-mode", "no"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _until_open(address, port)
            yield f"redis://{address}:{port}/0", process.pid
        finally:
            process.terminate()


def _until_open(address: str, port: int, most_s: float = 10) -> None:
    until = time.monotonic() + most_s
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)

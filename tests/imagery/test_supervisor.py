import os
import signal
import socket
import sys
import time

import pytest

from imagery import supervisor


@pytest.fixture
def short(monkeypatch):
    """Waiting between starts takes no time."""
    slept: list[float] = []
    real = time.sleep
    monkeypatch.setattr(supervisor.time, "sleep", lambda s: (slept.append(s), real(0.01))[0])
    return slept


def test_one_worker_a_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    busy = pytest.raises(supervisor.AlreadyRunning)
    with supervisor.only_worker(), busy, supervisor.only_worker():
        pass
    with supervisor.only_worker():
        pass


def test_the_lock_lives_as_long_as_a_child_holds_it(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with supervisor.only_worker() as handle:
        sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = supervisor.Child("sleeper", sleeper, (handle,))
        child.start()
    with pytest.raises(supervisor.AlreadyRunning), supervisor.only_worker():
        pass
    child.stop()
    with supervisor.only_worker():
        pass


def test_a_port_in_use_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < supervisor.free_port("127.0.0.1", port) < port + 20


def test_a_killed_process_is_started_again_and_all_are_stopped(short):
    child = supervisor.Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])
    pids: list[int] = []

    def until() -> bool:
        assert child.process is not None
        if not pids or child.process.pid != pids[-1]:
            pids.append(child.process.pid)
            os.kill(child.process.pid, signal.SIGKILL)
        return len(pids) == 2

    supervisor.supervise([child], until)
    assert len(set(pids)) == 2
    assert child.process is None
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_process_that_keeps_ending_is_given_up_by_name(short, capfd):
    child = supervisor.Child("worker", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(supervisor.KeepsEnding, match=r"the worker ends .* \(exit code 3\)"):
        supervisor.supervise([child], lambda: False)
    waits = [s for s in short if s != 0.5]
    assert waits == sorted(waits)
    assert "starting it again" in capfd.readouterr().err


def test_stop_asks_first():
    import subprocess

    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    child = supervisor.Child("polite", [sys.executable, "-c", code])
    child.process = subprocess.Popen(
        child.command, stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    process = child.process
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    child.stop()
    assert process.returncode == 0


def test_a_process_that_is_wanted_at_times_runs_while_it_is(monkeypatch, capfd):
    monkeypatch.setattr(supervisor, "ASKED_EVERY_S", 0.05)
    wanted = {"now": False}
    command = [sys.executable, "-c", "import time; time.sleep(0.3)"]
    child = supervisor.Child("collector", command, wanted=lambda: wanted["now"])
    states: list[bool] = []

    def until() -> bool:
        states.append(child.process is not None)
        wanted["now"] = len(states) == 5
        return len(states) > 6 and not states[-1]

    supervisor.supervise([child], until, every_s=0.06)
    assert not any(states[:5])
    assert any(states)
    assert "starting it again" not in capfd.readouterr().err


def test_a_database_out_of_reach_wants_no_collector(monkeypatch):
    from django.db import OperationalError

    def wanted() -> bool:
        raise OperationalError("no such table")

    assert not supervisor.Child("collector", [], wanted=wanted).is_wanted()


def test_a_collector_that_keeps_ending_rests_and_takes_nobody_along(short, capfd):
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    child = supervisor.Child("collector", command, wanted=lambda: True)
    looks: list[bool] = []

    def until() -> bool:
        looks.append(child.process is None)
        return looks[-5:] == [True] * 5

    supervisor.supervise([child], until)
    assert "collector keeps ending (3)" in capfd.readouterr().err

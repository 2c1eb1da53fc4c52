"""Rows of processes at work: kept fresh, gone at a clean end, told as gone after a silence."""

import os
import socket
import subprocess
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from imagery import processes
from imagery.models import Process


def left_behind(name: str, ago: timedelta) -> Process:
    at = timezone.now() - ago
    return Process.objects.create(
        name=name, kind="worker", host="h", pid=1, started_at=at, beat_at=at
    )


@pytest.mark.django_db
def test_a_row_while_it_runs() -> None:
    with processes.present("collector", ["asked", "look"], "cuda") as name:
        row = Process.objects.alive().get()
        assert (row.name, row.kind, row.queues) == (name, "collector", ["asked", "look"])
        assert (row.device, row.version) == ("cuda", "0.1.0")
    assert not Process.objects.exists()


@pytest.mark.django_db
def test_the_row_goes_where_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), processes.present("worker"):
        1 / 0  # noqa: B018
    assert not Process.objects.exists()


@pytest.mark.django_db
def test_a_restarted_process_of_the_same_number_takes_its_row() -> None:
    with processes.present("worker") as name:
        pass
    left_behind(name, timedelta(hours=2))
    with processes.present("worker", ["look"]):
        assert Process.objects.alive().get(name=name).queues == ["look"]


@pytest.mark.django_db
def test_the_silent_are_forgotten_after_a_day() -> None:
    left_behind("worker@a:1", timedelta(hours=25))
    left_behind("worker@a:2", timedelta(hours=23))
    left_behind("worker@a:3", timedelta(seconds=59))
    assert [p.name for p in Process.objects.alive()] == ["worker@a:3"]
    assert processes.prune() == 1


@pytest.mark.django_db
def test_the_killed_of_this_host_are_forgotten_at_once() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    here = {"host": socket.gethostname()[:100]}
    for name, pid in (("killed", gone.pid), ("alive", os.getppid())):
        row = left_behind(name, timedelta())
        Process.objects.filter(pk=row.pk).update(pid=pid, **here)
    left_behind("elsewhere", timedelta())
    with processes.present("worker") as name:
        assert {row.name for row in Process.objects.all()} == {name, "alive", "elsewhere"}


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="'dancer'"), processes.present("dancer"):
        pass


@pytest.mark.django_db
def test_a_database_out_of_reach_ends_no_process(monkeypatch) -> None:
    def broken(row: Process) -> None:
        raise OperationalError("no route")

    monkeypatch.setattr(processes, "_write", broken)
    with processes.present("worker"):
        assert not Process.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_beats_keep_it_fresh_and_bring_a_pruned_row_back(monkeypatch) -> None:
    monkeypatch.setattr(processes, "BEAT_S", 0.05)
    with processes.present("worker") as name:
        first = Process.objects.get(name=name).beat_at
        Process.objects.filter(name=name).delete()
        until = time.monotonic() + 20
        while not Process.objects.filter(name=name, beat_at__gt=first).exists():
            assert time.monotonic() < until
            time.sleep(0.02)

"""`process` beside other workers: it waits while another works, and works when none does."""

import io
import threading
import time
from contextlib import ExitStack

import pytest
from django.core.management.base import CommandError

from imagery import supervisor
from imagery.management.commands.process import organise, work_or_wait


@pytest.fixture
def worked(monkeypatch, settings, tmp_path) -> list[str]:
    """What a worker of our own would have been started for."""
    settings.DATA_DIR = tmp_path
    calls: list[str] = []
    monkeypatch.setattr(
        supervisor, "supervise", lambda children, until, idle: calls.append("worked")
    )
    return calls


def test_a_worker_of_our_own_starts_when_the_other_ends(worked):
    held = threading.Event()

    def other() -> None:
        with supervisor.only_worker():
            held.set()
            time.sleep(0.1)

    thread = threading.Thread(target=other)
    thread.start()
    held.wait()
    work_or_wait(lambda: False, every_s=0.02)
    thread.join()
    assert worked == ["worked"]


def test_a_worker_about_to_end_is_waited_for(worked):
    with ExitStack() as other:
        other.enter_context(supervisor.only_worker())
        with pytest.raises(supervisor.AlreadyRunning), supervisor.only_worker(wait_s=0.1):
            pass
        timer = threading.Timer(0.1, other.close)
        timer.start()
        with supervisor.only_worker(wait_s=20):
            pass
        timer.join()


def test_nothing_is_started_while_another_worker_does_it_all(worked):
    looks = iter([False, False, True])
    with supervisor.only_worker():
        work_or_wait(lambda: next(looks), every_s=0.01)
    assert worked == []


def test_an_event_deleted_meanwhile_is_told(event, worked):
    type(event).objects.filter(pk=event.pk).delete()
    with pytest.raises(CommandError, match="storm: the event was deleted"):
        organise(event, io.StringIO())

"""Of clocks on many machines one sends, and another when that one falls silent."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from config.celery import app
from imagery.clock import LOOK_AGAIN_S, Clock, leads
from imagery.models import Process

pytestmark = pytest.mark.django_db


def at_work(host: str, pid: int = 1, kind: str = "beat", silent_s: float = 0) -> Process:
    now = timezone.now()
    return Process.objects.create(
        name=f"{kind}@{host}:{pid}", kind=kind, host=host, pid=pid, started_at=now,
        beat_at=now - timedelta(seconds=silent_s),
    )  # fmt: skip


def test_the_longest_at_work_leads():
    at_work("worker", kind="worker")
    first = at_work("one")
    at_work("two")
    assert leads("one", 1) and not leads("two", 1) and not leads("one", 2)
    Process.objects.filter(pk=first.pk).update(beat_at=timezone.now() - timedelta(minutes=5))
    assert leads("two", 1) and not leads("one", 1)


def test_one_that_is_not_known_to_be_at_work_sends_nothing():
    assert not leads("one", 1)


def test_only_the_leading_clock_ticks(monkeypatch, settings):
    settings.EMBEDDED = False
    ticks: list[int] = []
    monkeypatch.setattr("celery.beat.PersistentScheduler.tick", lambda *_: ticks.append(1) or 300.0)
    clock = Clock(app=app, lazy=True)
    monkeypatch.setattr("imagery.clock.leads", lambda *_: False)
    assert clock.tick() == LOOK_AGAIN_S and not ticks
    monkeypatch.setattr("imagery.clock.leads", lambda *_: True)
    assert clock.tick() == LOOK_AGAIN_S and len(ticks) == 1

    def away(*_: object) -> bool:
        raise OperationalError("gone")

    monkeypatch.setattr("imagery.clock.leads", away)
    monkeypatch.setattr("imagery.clock.connection.close", lambda: None)
    assert clock.tick() == LOOK_AGAIN_S and len(ticks) == 1
    settings.EMBEDDED = True
    clock.tick()
    assert len(ticks) == 2

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from imagery import locks
from imagery.models import Event

pytestmark = pytest.mark.django_db


def test_one_writer_at_a_time(event):
    busy = pytest.raises(locks.Busy, match=str(event.pk))
    with locks.one_writer(event.pk), busy, locks.one_writer(event.pk):
        pass
    with locks.one_writer(event.pk):
        pass


def test_the_lock_is_released_when_the_work_fails(event):
    with pytest.raises(RuntimeError), locks.one_writer(event.pk):
        raise RuntimeError("work failed")
    event.refresh_from_db()
    assert event.locked_by == ""


def test_a_dead_holder_is_out_after_its_lease(event):
    past = timezone.now() - timedelta(seconds=1)
    Event.objects.filter(pk=event.pk).update(locked_by="gone", locked_until=past)
    with locks.one_writer(event.pk):
        pass


def test_release_all_voids_living_leases(event):
    later = timezone.now() + timedelta(hours=1)
    Event.objects.filter(pk=event.pk).update(locked_by="killed", locked_until=later)
    assert locks.release_all() == 1
    with locks.one_writer(event.pk):
        pass


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_beats_while_the_block_runs():
    import time

    beats: list[float] = []
    with locks.beating(lambda: beats.append(time.monotonic()), every_s=0.01):
        time.sleep(0.2)
    n = len(beats)
    assert n >= 3
    time.sleep(0.05)
    assert len(beats) == n


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_on_after_a_beat_the_database_refused():
    import time

    beats: list[float] = []

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise OperationalError("database is locked")

    with locks.beating(beat, every_s=0.01):
        time.sleep(0.2)
    assert len(beats) >= 3

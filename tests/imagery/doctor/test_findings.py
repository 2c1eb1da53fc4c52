import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from config import queues
from imagery import doctor
from imagery.doctor import broker, database, work
from imagery.models import Collection, Event, Import, Job, Process, Purge, Stage

pytestmark = pytest.mark.django_db


def levels(findings) -> dict[str, str]:
    return {one.what: one.level for one in findings}


def process(kind: str = "worker", ago: float = 1, **more) -> Process:
    now = timezone.now()
    name = f"{kind}@here:{Process.objects.count()}"
    beat_at = now - timedelta(seconds=ago)
    return Process.objects.create(
        name=name, kind=kind, host="here", pid=1, started_at=now, beat_at=beat_at, **more
    )


def test_a_line_has_a_sign_what_was_found_and_what_to_do():
    assert str(doctor.good("files", "there")) == "✓ files: there"
    assert str(doctor.doubt("files", "few", "bring more")) == "! files: few — bring more"
    assert str(doctor.bad("files", "none", "bring some")).startswith("✗ files")


def run(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as error:
        return int(error.code), out.getvalue()
    return 0, out.getvalue()


def test_the_command_ends_with_one_where_something_is_broken(settings, monkeypatch):
    settings.ALLOWED_HOSTS, settings.EMBEDDED = ["localhost"], True
    monkeypatch.setattr(database, "postgresql", lambda: [])  # a test's server may forget
    monkeypatch.setattr(database, "sqlite", lambda: [])
    monkeypatch.setattr(broker, "look", lambda: [])
    code, said = run()
    assert code == 1 and "✗ workers: none is at work" in said
    process(queues=settings.QUEUES)
    code, said = run()
    assert code == 0 and "✓ workers: 1: worker@here:0" in said
    code, said = run("--json")
    told = json.loads(said)
    assert told["healthy"] is True
    assert {"what", "level", "said", "todo"} == told["findings"][0].keys()


def test_a_database_out_of_reach_is_one_line_and_the_rest_is_still_told(monkeypatch):
    class Out:
        vendor = "postgresql"
        settings_dict = {"NAME": "afterimage", "HOST": "db", "PASSWORD": "hidden"}

        def cursor(self):
            raise DatabaseError("connection refused\nis it running?")

    monkeypatch.setattr(database, "connection", Out())
    found = list(doctor.findings())
    lines = [str(one) for one in found]
    assert any(
        line.startswith("✗ database: PostgreSQL, afterimage at db: connection refused —")
        for line in lines
    )
    assert "broker" in levels(found) and "workers" not in levels(found)
    assert "hidden" not in "".join(lines)


@pytest.mark.parametrize("apart_s, level", [(0.5, "good"), (-0.5, "good"), (3, "bad"), (-9, "bad")])
def test_clocks(apart_s, level):
    found = database.told_clock(apart_s)
    assert found.level == level
    if level == "bad":
        assert ("behind" if apart_s > 0 else "ahead of") in found.said


def test_migrations_that_wait(monkeypatch):
    monkeypatch.setattr("imagery.readiness.waiting_migrations", lambda: ["imagery.0099"])
    assert database.migrations().todo == "run: manage.py migrate"
    assert list(work.look()) == []


def test_what_piles_up_in_the_broker(monkeypatch):
    monkeypatch.setattr(queues, "redis_settings", lambda *names: None)
    monkeypatch.setattr(queues, "lengths", lambda: {"look": 9000, "asked": 0})
    assert levels(broker.look())["queues"] == "doubt"
    monkeypatch.setattr(queues, "lengths", lambda: {"look": 9})
    assert levels(broker.look()) == {"broker": "good", "queues": "good"}


@pytest.mark.parametrize("policy, level", [("noeviction", "good"), ("allkeys-lru", "bad")])
def test_a_broker_that_may_drop_messages(monkeypatch, policy, level):
    told = {"maxmemory-policy": policy, "maxmemory": "0"}
    monkeypatch.setattr(queues, "redis_settings", lambda *names: told)
    assert [one.level for one in broker.redis()] == [level]


def test_workers_that_leave_a_queue_to_nobody_and_processes_that_are_gone(settings):
    process(queues=["fetch"])
    process(ago=300)
    process("beat", version="0.0.1")
    found = {one.what: one for one in work.processes()}
    assert found["workers"].level == "bad" and "look" in found["workers"].said
    assert "1 ended" in found["processes"].said and "0.0.1" in found["versions"].said
    settings.EMBEDDED = False
    Process.objects.filter(kind="beat").delete()
    assert levels(work.processes())["clock of jobs"] == "bad"


def test_stuck_work_and_leases(event):
    assert levels([work.jobs(), work.imports(), work.leases()]) == dict.fromkeys(
        ("jobs", "imports", "leases"), "good"
    )
    old = timezone.now() - timedelta(minutes=10)
    Job.objects.create(event=event, stage=Stage.LOOK, beat_at=old)
    Import.objects.create(event=event, filename="a", path="a", updated_at=old)
    Event.objects.filter(pk=event.pk).update(
        locked_by="x", locked_until=timezone.now() + timedelta(hours=3)
    )
    for found in (work.jobs(), work.imports(), work.leases()):
        assert found.level == "bad" and found.todo
    assert "storm" in work.jobs().said and "storm" in work.leases().said


def test_collections_without_a_collector(event):
    assert list(work.collections()) == []
    row = Collection.objects.create(event=event, name="Live", source="feed", state="on")
    assert levels(work.collections())["collectors"] == "bad"
    process("collector")
    Collection.objects.filter(pk=row.pk).update(n_tries=9, error="refused")
    assert levels(work.collections()) == {"collectors": "good", "collections": "doubt"}


def test_purges_that_were_not_finished(event):
    made = Purge.objects.create(event=event)
    assert not list(work.purges())
    Purge.objects.filter(pk=made.pk).update(begun_at=timezone.now() - timedelta(days=3))
    assert levels(work.purges()) == {"purges": "doubt"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL of its settings")
def test_settings_of_postgresql():
    found = levels(database.look())
    assert found["tables"] == found["clock"] == found["PostgreSQL"] == "good"
    assert "encoding" not in found
    assert found["durability"] in ("good", "bad")

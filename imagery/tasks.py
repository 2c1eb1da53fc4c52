"""Celery's way in: each job is one call. Arguments are ids; running twice is safe."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from celery import shared_task
from celery.signals import beat_init, worker_init, worker_ready, worker_shutdown
from django.conf import settings

_presence = ExitStack()  # the row of this process, where it is a worker or the clock


@shared_task
def run_job(job_id: int, round: int) -> None:
    from imagery import pipeline

    pipeline.run(job_id, round)


@shared_task
def fetch_chunk(job_id: int, round: int, ids: list[int]) -> None:
    from imagery import pipeline

    pipeline.run_chunk(job_id, round, ids)


@shared_task
def look_chunk(job_id: int, round: int, ids: list[int]) -> None:
    from imagery import pipeline

    pipeline.run_chunk(job_id, round, ids)


def send_chunk(stage: str, job_id: int, round: int, ids: list[int]) -> None:
    """A chunk of a spread stage, to the queue of its nature: the network, or computing."""
    task = fetch_chunk if stage == "fetch" else look_chunk
    task.delay(job_id, round, ids)


@shared_task
def import_file(import_id: int) -> None:
    from imagery import pipeline

    pipeline.take_import(import_id)


@shared_task
def apply_rules(event_id: int) -> None:
    from imagery import pipeline, rules
    from imagery.models import Event

    event = Event.objects.filter(pk=event_id).first()
    if event is not None:  # else it was deleted meanwhile
        rules.apply(event, then=lambda: pipeline.start(event_id))


@shared_task
def look_up(look_up_id: int) -> None:
    from imagery import look_ups

    look_ups.run(look_up_id)


@shared_task
def prune_look_ups() -> None:
    from imagery import look_ups

    look_ups.prune()


@shared_task
def purge_events() -> None:
    from imagery import retention

    retention.purge_all()


@shared_task
def sweep_drafts() -> None:
    from imagery import blobs, pipeline, processes, uploads

    blobs.sweep_drafts()
    uploads.sweep()
    processes.prune()
    pipeline.forget_jobs()


@shared_task
def reschedule_visits(collection_id: int) -> None:
    from imagery import revisits
    from imagery.models import Collection

    collection = Collection.objects.filter(pk=collection_id).first()
    if collection is not None:  # else it was deleted meanwhile
        revisits.reschedule(collection)


@shared_task
def take_list(list_id: int) -> None:
    from imagery import known

    known.take(list_id)


@shared_task
def resume_jobs() -> None:
    from imagery import known, look_ups, pipeline

    pipeline.resume()
    look_ups.resume()
    known.resume()


@worker_init.connect
def import_once(**kwargs: object) -> None:
    """Import what is slow to import before the worker's processes part: once, shared by all."""
    from imagery import look

    look.import_runtime()


@worker_ready.connect
def take_up_unfinished(**kwargs: object) -> None:
    """The only worker there is takes up at once what an earlier one left."""
    if settings.EMBEDDED:
        from imagery import pipeline

        pipeline.resume_all()


@worker_ready.connect
def say_present(sender: Any, **kwargs: object) -> None:
    from imagery import processes
    from imagery.core import backbones

    queues = sorted(sender.app.amqp.queues.consume_from)
    _presence.enter_context(processes.present("worker", queues, backbones.likely_device()))


@beat_init.connect
def say_clock_present(**kwargs: object) -> None:
    import atexit

    from imagery import processes

    _presence.enter_context(processes.present("beat"))
    atexit.register(_presence.close)


@worker_shutdown.connect
def say_goodbye(**kwargs: object) -> None:
    _presence.close()

"""Sending jobs: a broker out of reach is no error to the person who asked."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from celery.contrib.django.task import DjangoTask
from django.db import transaction
from kombu.exceptions import OperationalError

from config import logs

log = logging.getLogger(__name__)


class PatientTask(DjangoTask):
    """`delay_on_commit` leaves the row waiting where its message cannot be sent.

    Every job is a row first; `imagery.pipeline.resume` sends the message of a silent one again.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Lines logged meanwhile are tagged by the task and by the ids that it was given."""
        given = _parameters(type(self).run).bind(*args, **kwargs).arguments
        ids = {name.removesuffix("_id"): v for name, v in given.items() if name.endswith("_id")}
        with logs.tagged(task=self.name.rpartition(".")[2], **ids):
            return super().__call__(*args, **kwargs)

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
        transaction.on_commit(lambda: self._delay(*args, **kwargs))

    def _delay(self, *args: Any, **kwargs: Any) -> None:
        try:
            self.delay(*args, **kwargs)
        except (OperationalError, FileNotFoundError) as error:
            log.error("the broker cannot be reached, the job waits on its row: %s", error)


@cache
def _parameters(run: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(run)

"""The clock that sends periodic jobs: of any number that run, one does."""

from __future__ import annotations

import os
import socket

from celery.beat import PersistentScheduler
from django.conf import settings
from django.db import DatabaseError, connection

from imagery.models import Process

LOOK_AGAIN_S = 20


class Clock(PersistentScheduler):
    """Celery's, silent while another machine's clock leads.

    Two that both send, for the seconds in which they do not know of each other, do no harm:
    periodic jobs take up what is left undone, and claim it row by row.
    """

    def tick(self, *args: object, **kwargs: object) -> float:
        """Send what is due; returns seconds until there is something to do again."""
        if settings.EMBEDDED or self._leads():
            return min(super().tick(*args, **kwargs), LOOK_AGAIN_S)
        return LOOK_AGAIN_S

    def _leads(self) -> bool:
        try:
            return leads(socket.gethostname()[:100], os.getpid())
        except DatabaseError as error:
            self.logger.warning("nothing is sent while the database is out of reach: %s", error)
            connection.close()
            return False


def leads(host: str, pid: int) -> bool:
    """Whether that clock is the longest at work of those that say that they are."""
    clocks = Process.objects.alive().filter(kind=Process.Kind.BEAT).order_by("pk")
    return clocks.values_list("host", "pid").first() == (host, pid)

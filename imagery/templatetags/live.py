"""What an event collects at this moment.

{% live_of event as now %}   imagery.collection_figures.Now or None, one query or two
"""

from __future__ import annotations

from django import template

from imagery import collection_figures
from imagery.models import Event

register = template.Library()


@register.simple_tag
def live_of(event: Event) -> collection_figures.Now | None:
    return collection_figures.now_of(event)

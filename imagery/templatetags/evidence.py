"""Times as a record writes them: to the second, with their zone."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template

from imagery.templatetags.afterimage import zone

register = template.Library()


@register.filter
def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@register.filter
def local(at: datetime, timezone: str) -> str:
    return at.astimezone(zone(timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")

"""How pages write times, spans, shares and progress.

{% when post.posted_at event.timezone %}   <time> in the event's zone, UTC on hover
{% span first last event.timezone %}       3–9 Sep 2017
{{ seconds|duration }}                     about 3 min
{{ seconds|took }}                         1 min 43 s
{{ share|percent }}                        4.2 %   (of 0…1)
{% progress_of event as progress %}        imagery.progress.Progress or None, two queries
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from imagery import progress
from imagery.models import Event

register = template.Library()
EN_DASH = "–"


def zone(name: str) -> ZoneInfo:
    """The zone of that name; UTC where it is unknown."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@register.simple_tag
def when(at: datetime | None, timezone: str = "UTC", style: str = "minute") -> SafeString | str:
    """style: "minute", "day" or "second"."""
    if at is None:
        return EN_DASH
    patterns = {"day": "%-d %b %Y", "minute": "%-d %b %Y, %H:%M", "second": "%-d %b %Y, %H:%M:%S"}
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        at.astimezone(zone(timezone)).strftime(patterns[style]),
    )


@register.simple_tag
def span(first: datetime | None, last: datetime | None, timezone: str = "UTC") -> str:
    """Days from first to last, without saying anything twice."""
    if first is None or last is None:
        return EN_DASH
    a, b = first.astimezone(zone(timezone)), last.astimezone(zone(timezone))
    if a.date() == b.date():
        return a.strftime("%-d %b %Y")
    if (a.year, a.month) == (b.year, b.month):
        return f"{a.day}{EN_DASH}{b.strftime('%-d %b %Y')}"
    if a.year == b.year:
        return f"{a.strftime('%-d %b')} {EN_DASH} {b.strftime('%-d %b %Y')}"
    return f"{a.strftime('%-d %b %Y')} {EN_DASH} {b.strftime('%-d %b %Y')}"


@register.filter
def duration(seconds: float | None) -> str:
    """An estimate, so rounded and said to be one."""
    if seconds is None:
        return ""
    if seconds < 5:
        return "a few seconds"
    if seconds < 55:
        return f"about {max(5, round(seconds / 5) * 5)} s"
    if seconds < 3300:
        return f"about {max(1, round(seconds / 60))} min"
    if seconds < 48 * 3600:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"about {hours} h {minutes} min" if minutes and hours < 10 else f"about {hours} h"
    return f"about {round(seconds / 86400)} days"


@register.filter
def took(seconds: float | None) -> str:
    """A measured time: "2.4 s", "1 min 43 s", "2 h 5 min"."""
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


@register.filter
def percent(share: float | None) -> str:
    """0.0423 → "4.2 %"; nothing rounds to 0 or 100 that is not."""
    if share is None:
        return EN_DASH
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{share:.0%}".replace("%", " %") if share in (0, 1) else f"{share * 100:.1f} %"


@register.filter
def rate(per_second: float | None) -> str:
    """Of units a second: "132", "4.2", "0.3"."""
    if per_second is None:
        return ""
    return f"{per_second:,.0f}" if per_second >= 9.95 else f"{per_second:.1f}"


@register.simple_tag
def progress_of(event: Event) -> progress.Progress | None:
    return progress.current(event)

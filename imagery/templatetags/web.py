"""Addresses and figures that come from posts, as pages may show them."""

from __future__ import annotations

from urllib.parse import urlsplit

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

register = template.Library()


@register.filter
def web(url: str | None) -> str:
    """The address if it is http or https, else nothing: a post's word may be javascript:."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc else ""


@register.filter
def known(value: str | int | float | None) -> str:
    """A figure; "—" where it is unknown, which is not 0."""
    return "—" if value is None or value == "" else str(intcomma(value))

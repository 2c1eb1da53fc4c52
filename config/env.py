"""Typed readers of environment variables; a value that does not fit stops the start."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: want one of {sorted(TRUE | FALSE - {''})}")


def number(name: str, default: int, minimum: int = 0) -> int:
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    try:
        found = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r}: want a whole number") from None
    if found < minimum:
        raise ImproperlyConfigured(f"{name}={found}: want at least {minimum}")
    return found


def one_of(name: str, known: tuple[str, ...]) -> str:
    """The first of those known where it is not set."""
    value = text(name) or known[0]
    if value not in known:
        raise ImproperlyConfigured(f"{name}={value!r}: want one of {', '.join(known)}")
    return value


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    value = os.environ.get(name)
    return list(default) if value is None else [w.strip() for w in value.split(",") if w.strip()]


def some_of(name: str, known: tuple[str, ...]) -> list[str]:
    """Those of the known that are named, in the order of the known; all where it is not set."""
    named = words(name)
    if unknown := sorted(set(named) - set(known)):
        raise ImproperlyConfigured(f"{name}={','.join(unknown)!r}: want some of {', '.join(known)}")
    return [one for one in known if one in named] or list(known)


def folder(name: str, default: Path) -> Path:
    value = os.environ.get(name)
    return Path(value).expanduser().resolve() if value else default

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


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    value = os.environ.get(name)
    return list(default) if value is None else [w.strip() for w in value.split(",") if w.strip()]


def folder(name: str, default: Path) -> Path:
    value = os.environ.get(name)
    return Path(value).expanduser().resolve() if value else default

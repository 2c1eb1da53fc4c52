"""The signing key: from SECRET_KEY, else a file made once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def signing_key(path: Path) -> str:
    """The key in `path`, made at first call (mode 0600). Two first calls agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # fails if another process was first: theirs counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    try:
        key = path.read_text("ascii").strip()
    except UnicodeDecodeError:
        key = ""
    if len(key) < 32:
        raise ImproperlyConfigured(f"{path}: holds no usable key; delete it to have one made")
    return key

"""Loaded before Django's settings: tests write to a folder of their own, never to real data."""

import os
import tempfile

os.environ["AFTERIMAGE_DATA"] = tempfile.mkdtemp(prefix="afterimage-tests-")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
os.environ.pop("IMAGERY_WEIGHTS_DIR", None)
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs a loop

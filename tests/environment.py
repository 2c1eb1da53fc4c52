"""Loaded before Django's settings: tests write to a folder of their own, never to real data.

The suite runs on whatever services the environment names: DATABASE_URL and CELERY_BROKER_URL of
ones made for it (its database is `test_…` beside the named one). Files stay in the folder, but for
tests that have a bucket of their own.
"""

import os
import tempfile

os.environ["AFTERIMAGE_DATA"] = tempfile.mkdtemp(prefix="afterimage-tests-")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
for name in ("IMAGERY_WEIGHTS_DIR", "FILES_URL", "WORKER_QUEUES", "WORKER_PROCESSES"):
    os.environ.pop(name, None)
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs a loop

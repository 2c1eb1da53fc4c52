"""The cast: owner, analyst, annotator and viewer of one event, and a stranger to it."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from imagery.models import Event, Membership, Role

# Of the way to run that needs no server: its broker's folder, and installations on SQLite files.
EMBEDDED_ALONE = ("test_drills.py", "test_jobs.py", "browser/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if settings.EMBEDDED and connection.vendor == "sqlite":
        return
    elsewhere = pytest.mark.skip(reason="of the way to run without services")
    for item in items:
        inside = item.path.relative_to(Path(__file__).parent).as_posix()
        if inside.startswith(EMBEDDED_ALONE):
            item.add_marker(elsewhere)


def pytest_unconfigure() -> None:
    if "afterimage-tests-" in settings.DATA_DIR.name:
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(autouse=True)
def jobs_run_at_once(settings) -> None:
    """Jobs run where they are sent: tests that need a real worker start one."""
    from config.celery import app

    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True


@pytest.fixture
def event(db) -> Event:
    return Event.objects.create(slug="storm", name="Storm")


def _member(event: Event, name: str, role: str) -> User:
    user = User.objects.create_user(name, password="correct horse battery")
    Membership.objects.create(event=event, user=user, role=role)
    return user


@pytest.fixture
def owner(event: Event) -> User:
    return _member(event, "owner", Role.OWNER)


@pytest.fixture
def analyst(event: Event) -> User:
    return _member(event, "analyst", Role.ANALYST)


@pytest.fixture
def annotator(event: Event) -> User:
    return _member(event, "annotator", Role.ANNOTATOR)


@pytest.fixture
def viewer(event: Event) -> User:
    return _member(event, "viewer", Role.VIEWER)


@pytest.fixture
def stranger(db) -> User:
    return User.objects.create_user("stranger", password="correct horse battery")


@pytest.fixture
def samples() -> Path:
    return Path(__file__).parent / "data"

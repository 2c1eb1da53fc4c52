import json
import logging
import logging.config
import threading

import pytest
from celery import shared_task
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config import env, logs, settings
from imagery.models import Event

log = logging.getLogger("imagery.tests")


@pytest.fixture
def line():
    """Says something, and returns the line as it would be written."""

    def say(form: str, **extra: object) -> str:
        made = logging.config.DictConfigurator(logs.configured(form, "INFO"))
        formatter = made.configure_formatter(made.config["formatters"][form])
        record = log.makeRecord(log.name, logging.INFO, "", 1, "hello %s", ("you",), None,
                                extra=extra or None)  # fmt: skip
        logs.Tags().filter(record)
        return formatter.format(record)

    return say


def test_readable_lines_end_with_their_tags(line):
    assert line("line").endswith("INFO imagery.tests hello you")
    with logs.tagged(job=7, collection=None), logs.tagged(event=3):
        assert line("line").endswith("hello you [job=7] [event=3]")
    assert logs.tags() == {}


def test_json_lines_hold_tags_and_what_the_call_gave(line):
    with logs.tagged(job=7, **{"import": 2}):
        told = json.loads(line("json", status_code=500, request="<GET '/?q=private'>"))
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "INFO", "logger": "imagery.tests", "message": "hello you",
        "job": 7, "import": 2, "status_code": 500,
    }  # fmt: skip


def test_a_tag_never_hides_what_a_record_says_of_itself(line):
    with logs.tagged(name="other"):
        assert json.loads(line("json"))["logger"] == "imagery.tests"


def test_a_trace_is_one_line_of_json():
    made = logs.JsonLines()
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        import sys

        record = log.makeRecord(log.name, 40, "", 1, "broke", (), sys.exc_info())
    told = made.format(record)
    assert "\n" not in told and "ZeroDivisionError" in json.loads(told)["trace"]


def test_threads_have_tags_of_their_own():
    seen = []

    def work() -> None:
        seen.append(dict(logs.tags()))
        with logs.tagged(collection=1):
            seen.append(dict(logs.tags()))

    with logs.tagged(job=7):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [{}, {"collection": 1}]


def test_a_form_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT='xml': want one of line, json"):
        env.one_of("LOG_FORMAT", logs.FORMATS)
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["tags"]


def test_a_workers_lines_say_what_it_has_in_hand():
    seen = []

    @shared_task(name="imagery.tasks.made_up")
    def made_up(job_id: int, round: int, import_id: int = 5) -> int:
        seen.append(dict(logs.tags()))
        return job_id

    assert made_up.delay(3, 1, import_id=9).get() == 3
    assert seen == [{"task": "made_up", "job": 3, "import": 9}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent, taken", [("abcdef-12345678", True), ("short", False), ("x" * 80, False),
                    ("two\nlines-of-it", False), ("<script>alert", False)],
)  # fmt: skip
def test_a_request_has_an_id_in_and_out(client, sent, taken):
    answer = client.get("/login/", headers={"X-Request-ID": sent})
    assert (answer["X-Request-ID"] == sent) is taken
    assert len(answer["X-Request-ID"]) >= 15


@pytest.mark.django_db
def test_an_error_page_shows_the_id_that_is_in_the_log(owner, event, monkeypatch, caplog):
    def broken(*args: object) -> None:
        caplog.records.clear()
        log.error("about to break")
        raise ZeroDivisionError

    monkeypatch.setattr(Event.objects.__class__, "visible_to", broken)
    caplog.handler.addFilter(logs.Tags())
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    page = client.get(f"/e/{event.slug}/", headers={"X-Request-ID": "page-1234567"})
    assert (page.status_code, page["X-Request-ID"]) == (500, "page-1234567")
    assert "page-1234567" in page.content.decode()
    ids = {getattr(record, "request_id", None) for record in caplog.records}
    assert ids == {"page-1234567"} and len(caplog.records) >= 2
    told = client.get(f"/api/events/{event.slug}/").json()
    assert len(told["request_id"]) == 32

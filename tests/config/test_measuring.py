import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import RequestFactory
from prometheus_client import generate_latest

from config import measuring

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.django_db
def test_requests_are_counted_by_the_views_name(client, owner, event):
    client.force_login(owner)

    def n(view: str, status: int) -> float:
        return measuring.requests.labels(view, "GET", status)._value.get()

    before = n("imagery:event", 200), n("none", 404)
    client.get(f"/e/{event.slug}/")
    client.get("/made-up-by-a-stranger/")
    assert (n("imagery:event", 200), n("none", 404)) == (before[0] + 1, before[1] + 1)
    assert b"made-up" not in generate_latest(measuring.registry())


def test_a_method_that_is_none_makes_no_series():
    from django.http import HttpResponse

    measuring.Measuring(lambda request: HttpResponse())(RequestFactory().generic("BREW", "/"))
    assert b"BREW" not in generate_latest(measuring.registry())


def test_several_processes_add_up(tmp_path):
    """Two processes answer two and three requests; a third tells five."""
    env = os.environ | {
        measuring.SHARED: str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    count = (
        "from config import measuring as m\n"
        "for _ in range({}): m.requests.labels('v', 'GET', 200).inc()"
    )
    tell = (
        "from config import measuring as m\nfrom prometheus_client import generate_latest\n"
        "print(generate_latest(m.registry()).decode())"
    )
    for code in (count.format(2), count.format(3), tell):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
    assert 'afterimage_requests_total{method="GET",status="200",view="v"} 5.0' in done.stdout

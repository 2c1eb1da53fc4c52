"""Links that gave no picture: shown, tried again, taken away as a table."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from imagery.models import Link
from imagery.waiting import label

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:failures", args=["storm"])
RETRY = reverse("imagery:failures-retry", args=["storm"])
TABLE = reverse("imagery:failures-csv", args=["storm"])


@pytest.fixture
def failed(event) -> list[Link]:
    now = timezone.now()
    rows = [
        Link(
            event=event, url=f"https://p.example/{n}.jpg", key=str(n), state="failed",
            kind="timeout" if n % 3 else "refused", reason=f"reason {n}", attempts=1,
            failed_at=now, n_posts=n // 2,
        )
        for n in range(60)
    ]  # fmt: skip
    rows.append(Link(event=event, url="=cmd()", key="x", state="failed", kind="", failed_at=now))
    return Link.objects.bulk_create(rows)


def test_reasons_are_counted_and_links_listed(client: Client, failed, viewer) -> None:
    client.force_login(viewer)
    page = client.get(PAGE)
    counts = [(found.kind, found.n_links) for found in page.context["kinds"]]
    assert counts == [("timeout", 40), ("refused", 20), ("", 1)]
    assert "61 links gave no picture" in page.content.decode()
    assert "Try again" not in page.content.decode()


def test_pages_hold_every_link_once(client: Client, failed, viewer) -> None:
    client.force_login(viewer)
    first = client.get(PAGE)
    part = client.get(PAGE, {"after": first.context["after"]}, headers={"HX-Request": "true"})
    shown = [link.pk for page in (first, part) for link in page.context["links"]]
    assert sorted(shown) == sorted(link.pk for link in failed)
    assert part.context["after"] == ""
    assert "<html" not in part.content.decode()


def test_one_reason(client: Client, failed, viewer) -> None:
    client.force_login(viewer)
    page = client.get(PAGE, {"kind": "refused"})
    assert {link.kind for link in page.context["links"]} == {"refused"}
    assert client.get(PAGE, {"kind": "made up", "after": "x-y"}).context["chosen"] is None


def test_only_web_addresses_are_links(client: Client, event, viewer) -> None:
    Link.objects.create(event=event, url="javascript:alert(1)", key="j", state="failed")
    client.force_login(viewer)
    assert 'href="javascript' not in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("fields", "n"), [({}, 61), ({"kind": "refused"}, 20), ({"link": "one"}, 1), ({"link": "²"}, 0)]
)
def test_trying_again(client: Client, failed, event, analyst, fields, n) -> None:
    if fields.get("link") == "one":
        fields = {"link": str(failed[7].pk)}
    client.force_login(analyst)
    assert client.post(RETRY, fields)["Location"] == PAGE
    assert event.links.to_fetch().count() == n
    assert event.jobs.count() == (1 if n else 0)


def test_another_events_link_stays(client: Client, failed, analyst, db) -> None:
    from imagery.models import Event

    other = Event.objects.create(slug="other", name="Other")
    link = Link.objects.create(event=other, url="https://p.example/o", key="o", state="failed")
    client.force_login(analyst)
    client.post(RETRY, {"link": str(link.pk)})
    link.refresh_from_db()
    assert link.state == "failed"


def test_table(client: Client, failed, viewer) -> None:
    client.force_login(viewer)
    answer = client.get(TABLE)
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "url,kind,reason,attempts,failed_at,posts"
    assert len(lines) == 62
    assert any(line.startswith("'=cmd()") for line in lines)


def test_forbidden_and_missing(client: Client, failed, stranger, viewer) -> None:
    client.force_login(stranger)
    for address in (PAGE, TABLE):
        assert client.get(address).status_code == 404
    client.force_login(viewer)
    assert client.post(RETRY).status_code == 404
    assert client.get(reverse("imagery:failures", args=["nowhere"])).status_code == 404


def test_none(client: Client, event, viewer) -> None:
    client.force_login(viewer)
    assert "No failures" in client.get(PAGE).content.decode()


def test_queries(client: Client, failed, viewer, django_assert_num_queries) -> None:
    client.force_login(viewer)
    # session, person, event, kinds, links, role, doubts; the bar asks for an import and a job
    with django_assert_num_queries(9):
        client.get(PAGE)


def test_every_kind_has_words() -> None:
    assert label("dns") == "The site's name is unknown"
    assert label("some_new-kind") == "Some new kind"
    assert label("") == "Other"

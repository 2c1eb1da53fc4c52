"""Local copies before the network, archives in any state, and files known to be unusable."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from imagery import blobs, fetch
from imagery.core.safe_http import Response
from imagery.models import Event, Image, Import, Link
from tests.pictures import jpeg, photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> Event:
    return Event.objects.create(slug="storm", name="Storm")


class Network:
    """Stands in for the network: every address holds the same picture."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, url: str) -> Response:
        self.asked.append(url)
        return Response(url, 200, "image/jpeg", jpeg(photo(9, (64, 48))))


@pytest.fixture
def network(monkeypatch) -> Network:
    network = Network()
    monkeypatch.setattr(fetch, "fetcher", lambda: network)
    return network


def _link(event: Event, url: str, place: Path, file: str) -> Link:
    source = Import.objects.create(event=event, filename=place.name, path=str(place))
    return Link.objects.create(event=event, url=url, key=url, file=file, source=source)


def _fetched(link: Link) -> Link:
    fetch.fetch([link])
    return Link.objects.get(pk=link.pk)


def test_a_local_copy_spares_the_network(event, network, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(photo(1, (64, 48))))
    link = _fetched(_link(event, "https://a.example/a.jpg", tmp_path, "a.jpg"))
    assert link.state == Link.State.FETCHED
    assert network.asked == []


def test_where_no_pictures_came_the_address_is_asked(event, network, tmp_path):
    posts = tmp_path / "posts.ndjson"
    posts.write_text("{}")
    link = _fetched(_link(event, "https://a.example/a.jpg", posts, "a.jpg"))
    assert link.state == Link.State.FETCHED
    assert network.asked == ["https://a.example/a.jpg"]


def test_posts_without_their_pictures_say_so(event, network, tmp_path):
    posts = tmp_path / "posts.ndjson"
    posts.write_text("{}")
    link = _fetched(_link(event, "file:posts.ndjson/a.jpg", posts, "a.jpg"))
    assert link.reason == "a.jpg: the posts came without their pictures"
    assert network.asked == []


def test_a_broken_member_of_an_archive_fails_alone(event, tmp_path):
    path = tmp_path / "pictures.zip"
    bitmap = io.BytesIO()
    photo(1, (64, 48)).save(bitmap, "BMP")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("bad.bmp", "good.bmp"):
            archive.writestr(name, bitmap.getvalue())
    raw = bytearray(path.read_bytes())
    start = 30 + len("bad.bmp")
    raw[start : start + 40] = b"\xff" * 40  # no deflate stream begins like that
    path.write_bytes(raw)
    bad, good = (_link(event, f"file:{n}", path, n) for n in ("bad.bmp", "good.bmp"))
    fetch.fetch([bad, good])
    bad.refresh_from_db()
    good.refresh_from_db()
    assert bad.reason.startswith("bad.bmp: the archive cannot be read here")
    assert good.state == Link.State.FETCHED


def test_an_archive_that_was_replaced_is_read_anew(event, tmp_path):
    path = tmp_path / "pictures.zip"
    for turn in (1, 2):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.jpg", jpeg(photo(turn, (64, 48))))
        os.utime(path, ns=(turn, turn))
        _fetched(_link(event, f"file:{turn}/a.jpg", path, "a.jpg"))
    assert event.images.count() == 2


def test_a_file_that_was_refused_stays_refused_by_another_link(event, tmp_path):
    data = jpeg(photo(1, (64, 48)))
    (tmp_path / "b.jpg").write_bytes(data)
    Image.objects.create(
        event=event, sha256=blobs.put(data), n_bytes=len(data),
        failed_at=timezone.now(), reason="damaged JPEG",
    )  # fmt: skip
    link = _fetched(_link(event, "file:b.jpg", tmp_path, "b.jpg"))
    assert (link.state, link.kind, link.reason) == ("failed", "refused", "damaged JPEG")


def test_stopped_halfway_what_is_in_hand_is_kept_and_the_rest_not_begun(event, network):
    links = [
        Link.objects.create(event=event, url=f"https://a.example/{i}", key=str(i))
        for i in range(200)
    ]

    class Enough(Exception):
        pass

    def stop(n_done: int, n_failed: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        fetch.fetch(links, stop)
    fetched = event.links.filter(state=Link.State.FETCHED)
    assert sorted(network.asked) == sorted(link.url for link in fetched)
    assert fetch.KEEP_EVERY <= len(network.asked) < 200


def test_of_a_deleted_event_no_file_stays(event, tmp_path):
    data = jpeg(photo(3, (64, 48)))
    (tmp_path / "c.jpg").write_bytes(data)
    link = _link(event, "file:c.jpg", tmp_path, "c.jpg")
    held = Link.objects.select_related("source").get(pk=link.pk)
    event.delete()
    fetch.fetch([held])
    assert not default_storage.exists(blobs.blob_name(hashlib.sha256(data).hexdigest()))
    assert not Image.objects.exists()


def test_shedding_puts_the_newest_aside_and_only_where_it_is_told_to(event, tmp_path):
    links = [
        Link.objects.create(event=event, url=f"https://a.example/{i}", key=str(i)) for i in range(9)
    ]
    local = _link(event, "file:c.jpg", tmp_path, "c.jpg")
    assert fetch.shed(event) == 0
    event.most_waiting = 6
    assert fetch.shed(event) == 3
    assert fetch.shed(event) == 0
    shed = event.links.filter(state=Link.State.SHED).order_by("pk")
    assert list(shed) == links[6:]
    assert {link.reason for link in shed} == {
        "more than 6 links waited: left until it is asked for"
    }
    assert local in event.links.to_fetch()


def test_shed_links_come_back_when_they_are_asked_for(event):
    event.most_waiting = 1
    for i in range(4):
        Link.objects.create(event=event, url=f"https://a.example/{i}", key=str(i))
    fetch.shed(event)
    last = event.links.order_by("pk").last()
    assert fetch.retry(event.pk, [last.pk]) == 1
    assert fetch.retry(event.pk, kind="dns") == 0
    assert fetch.retry(event.pk, kind=fetch.SHED) == 2
    assert event.links.to_fetch().filter(kind="", reason="").count() == 4


def test_what_comes_late_is_kept_and_told(event, monkeypatch):
    """In the thread that got it, here called by hand: a test has but one connection."""
    link = Link.objects.create(event=event, url="https://a.example/1", key="1")
    monkeypatch.setattr(fetch.connection, "close", lambda: None)
    told: list[int] = []
    fetch._keep_late(fetch.Got(link, reason="too slow", kind="timeout"), told.append)
    link.refresh_from_db()
    assert (link.state, link.reason, told) == ("failed", "too slow", [event.pk])

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imagery import storing
from imagery.models import Account, Event, Import, Link, Post, PostLink
from imagery.sources.base import AccountRecord, ImageRef, Record

pytestmark = pytest.mark.django_db
NOON = datetime(2017, 9, 20, 12, tzinfo=UTC)
POST = Record(
    "twitter",
    "1",
    NOON,
    AccountRecord("u1", "ann", followers=10),
    "storm",
    hashtags=("Maria",),
    images=(ImageRef("https://example.org/a.jpg"), ImageRef("https://example.org/b.jpg")),
    likes=3,
)


def _table() -> dict[str, list]:
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Account, Post, Link, PostLink)
    }


def test_a_record_becomes_rows(event):
    assert storing.store(event, [POST]) == (1, 0)
    post = event.posts.get()
    assert (post.platform, post.uid, post.text, post.likes) == ("twitter", "1", "storm", 3)
    assert post.views is None
    assert post.hashtags == ["Maria"]
    assert post.has_images
    assert (post.account.handle, post.account.followers) == ("ann", 10)
    urls = post.postlink_set.order_by("position").values_list("link__url", flat=True)
    assert list(urls) == ["https://example.org/a.jpg", "https://example.org/b.jpg"]


def test_twice_changes_nothing(event):
    storing.store(event, [POST])
    before = _table()
    assert storing.store(event, [POST]) == (0, 0)
    assert _table() == before


def test_a_newer_copy_updates_engagement_and_the_unknown_erases_nothing(event):
    storing.store(event, [POST])
    newer = replace(POST, likes=9, views=100, text="", account=AccountRecord("u1"))
    assert storing.store(event, [newer]) == (0, 1)
    assert storing.store(event, [replace(POST, likes=None)]) == (0, 0)
    post = event.posts.get()
    assert (post.likes, post.views, post.text) == (9, 100, "storm")
    assert post.account.followers == 10


def test_zero_is_a_value(event):
    storing.store(event, [POST])
    assert storing.store(event, [replace(POST, likes=0)]) == (0, 1)
    assert event.posts.get().likes == 0


def test_the_same_id_on_another_platform_or_event_is_another_post(event):
    other = Event.objects.create(slug="other", name="Other")
    storing.store(event, [POST, replace(POST, platform="mastodon")])
    storing.store(other, [POST])
    assert event.posts.count() == 2
    assert other.posts.count() == 1
    assert event.links.count() == 2


def test_of_doubles_in_a_batch_the_later_counts(event):
    assert storing.store(event, [POST, replace(POST, likes=7)]) == (1, 0)
    assert event.posts.get().likes == 7


def test_a_place_inside_the_page_is_no_other_link(event):
    images = (ImageRef("https://example.org/a.jpg#top"), ImageRef("https://example.org/a.jpg"))
    storing.store(event, [replace(POST, images=images)])
    assert event.links.get().url == "https://example.org/a.jpg"


def test_what_was_met_in_an_earlier_batch_is_met_again(event):
    keeping = storing.Storing(event)
    assert keeping.store([POST]) == (1, 0)
    fuller = AccountRecord("u1", "ann", followers=11, location="San Juan")
    second = replace(POST, uid="2", account=fuller, images=POST.images[:1])
    assert keeping.store([second, replace(second, uid="3", account=AccountRecord("u1"))]) == (2, 0)
    account = event.accounts.get()
    assert (account.handle, account.followers, account.location) == ("ann", 11, "San Juan")
    assert event.links.count() == 2
    assert PostLink.objects.count() == 4
    assert set(event.posts.values_list("account", flat=True)) == {account.pk}


def test_remembering_less_changes_nothing(event, monkeypatch):
    monkeypatch.setattr(storing, "REMEMBERED", 0)
    keeping = storing.Storing(event)
    for uid in "123":
        keeping.store([replace(POST, uid=uid)])
    assert (event.accounts.count(), event.links.count(), PostLink.objects.count()) == (1, 2, 6)


def test_values_are_cut_to_what_their_columns_hold(event):
    record = replace(
        POST,
        platform="p" * 40,
        uid="1" * 400,
        lang="x" * 40,
        place="y" * 400,
        account=AccountRecord("u" * 300, "h" * 300, "n" * 400, location="l" * 400),
    )
    assert storing.store(event, [record]) == (1, 0)
    assert storing.store(event, [record]) == (0, 0)
    post = event.posts.select_related("account").get()
    assert [len(v) for v in (post.platform, post.uid, post.lang, post.place)] == [30, 300, 20, 300]
    account = post.account
    names = (account.uid, account.handle, account.name, account.location)
    assert [len(v) for v in names] == [200, 200, 300, 300]


def test_a_post_set_aside_is_taken_again(event):
    storing.store(event, [POST])
    event.posts.update(selected=False)
    assert storing.store(event, [POST]) == (0, 1)
    assert event.posts.get().selected


def test_a_failed_link_waits_again_where_an_import_brings_its_file(event):
    first, second = (
        Import.objects.create(event=event, filename=name, path="") for name in ("a", "b")
    )
    ref = ImageRef("https://example.org/a.jpg", file="a.jpg")
    keeping = storing.Storing(event, first)
    keeping.store([replace(POST, images=(ref,))])
    event.links.update(state=Link.State.FAILED)
    keeping.store([replace(POST, images=(ref,))])
    assert event.links.get().state == Link.State.FAILED
    storing.store(event, [replace(POST, images=(ref,))], second)
    link = event.links.get()
    assert (link.state, link.source_id) == (Link.State.WAITING, second.pk)
    event.links.update(state=Link.State.FETCHED)
    storing.store(event, [replace(POST, images=(ref,))], first)
    assert event.links.get().state == Link.State.FETCHED

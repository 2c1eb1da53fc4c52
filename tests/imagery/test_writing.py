from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagery import writing
from imagery.models import Account, Event, Image, Post
from imagery.writing import insert_rows, update_rows

pytestmark = pytest.mark.django_db
ON_POSTGRESQL = connection.vendor == "postgresql"
WILD = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


WAYS = {"by statements": 10**9, "copied": 1} if ON_POSTGRESQL else {"by statements": 10**9}


@pytest.fixture(autouse=True, params=list(WAYS))
def way(request, monkeypatch) -> None:
    """Both ways on PostgreSQL, however few the rows; elsewhere there is one."""
    monkeypatch.setattr(writing, "COPIED_FROM", WAYS[request.param])


def test_fields_of_every_kind_are_written_and_others_left(event):
    images = [Image.objects.create(event=event, sha256=f"{i:064}", n_bytes=i) for i in range(3)]
    at = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
    for i, image in enumerate(images):
        image.signature, image.top_classes = bytes([i] * 4), [["cat", 0.5]]
        image.looked_at, image.brightness, image.is_dark = at, None if i else 2.5, bool(i)
        image.n_bytes = 999
    fields = ["signature", "top_classes", "looked_at", "brightness", "is_dark"]
    assert update_rows(images[:2], fields) == 2
    found = list(Image.objects.order_by("pk"))
    assert [bytes(row.signature) for row in found] == [b"\0" * 4, b"\1" * 4, b""]
    assert [row.top_classes for row in found] == [[["cat", 0.5]], [["cat", 0.5]], []]
    assert [row.looked_at for row in found] == [at, at, None]
    assert [row.brightness for row in found] == [2.5, None, None]
    assert [row.is_dark for row in found] == [False, True, False]
    assert [row.n_bytes for row in found] == [0, 1, 2]


def test_foreign_keys_go_by_name(event):
    post = Post.objects.create(
        event=event, platform="x", uid="1", posted_at=datetime(2024, 1, 1, tzinfo=UTC)
    )
    post.account = event.accounts.create(platform="x", uid="a")
    assert update_rows([post], ["account"]) == 1
    assert Post.objects.get().account.uid == "a"
    assert update_rows([], ["account"]) == 0


def test_rows_are_inserted_with_the_defaults_of_what_is_not_given(event):
    at = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
    rows = [(event.pk, "x", str(i), at, ["a", "é"]) for i in range(3)]
    insert_rows(Post, ("event_id", "platform", "uid", "posted_at", "hashtags"), rows)
    found = Post.objects.order_by("uid")
    assert [(p.uid, p.posted_at, p.hashtags) for p in found] == [
        (str(i), at, ["a", "é"]) for i in range(3)
    ]
    assert {(p.likes, p.text, p.selected, p.has_images, p.account_id) for p in found} == {
        (None, "", True, False, None)
    }


def test_rows_that_are_there_are_refused_or_passed_over(event):
    columns = ("event_id", "platform", "uid")
    insert_rows(Account, columns, [(event.pk, "x", "1")])
    both = [(event.pk, "x", "1"), (event.pk, "x", "2")]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Account, columns, both)
    insert_rows(Account, columns, both, ignore_conflicts=True)
    assert Account.objects.count() == 2
    insert_rows(Account, columns, [])


# Rows of every kind, read back by Django itself -------------------------------------------------

said = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
awkward = st.sampled_from(["", "\\N", "\\.", "a\tb\nc\\d\re", "NULL", "'\"", "{}", "é\u2028😀"])
words = said | awkward
at = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))
post = st.fixed_dictionaries(
    {
        "posted_at": at,
        "text": words,
        "lat": st.none() | st.floats(-90, 90),
        "hashtags": st.lists(words, max_size=3),
        "has_images": st.booleans(),
        "repost_of": words,
        "likes": st.none() | st.integers(0, 2**63 - 1),
    }
)
NAMES = ("posted_at", "text", "lat", "hashtags", "has_images", "repost_of", "likes")


def _held(event: Event) -> list[dict]:
    return list(event.posts.order_by("pk").values(*NAMES))


@WILD
@given(st.lists(post, min_size=1, max_size=6), st.data())
def test_what_is_written_is_what_is_read(db, data_rows, data):
    with transaction.atomic():
        event = Event.objects.create(slug=f"e{Event.objects.count()}-{id(data)}", name="Wild")
        rows = [
            (event.pk, "x", str(i), *(row[name] for name in NAMES))
            for i, row in enumerate(data_rows)
        ]
        columns = ("event_id", "platform", "uid", *NAMES)
        insert_rows(Post, columns, rows, ignore_conflicts=data.draw(st.booleans()))
        assert _held(event) == data_rows
        changed = [data.draw(post) for _ in data_rows]
        ids = event.posts.order_by("pk").values_list("pk", flat=True)
        update_rows([Post(pk=pk, **row) for pk, row in zip(ids, changed, strict=True)], NAMES)
        assert _held(event) == changed
        transaction.set_rollback(True)


def test_of_two_rows_of_one_id_the_later_counts(event):
    account = event.accounts.create(platform="x", uid="1")
    both = [Account(pk=account.pk, handle="first"), Account(pk=account.pk, handle="second")]
    assert update_rows(both, ["handle"]) == 2
    account.refresh_from_db()
    assert account.handle == "second"


def test_rows_that_are_twice_in_one_batch_are_passed_over(event):
    insert_rows(
        Account,
        ("event_id", "platform", "uid", "handle"),
        [(event.pk, "x", "1", "first"), (event.pk, "x", "1", "second")],
        ignore_conflicts=True,
    )
    assert Account.objects.get().handle == "first"


def test_an_error_leaves_the_transaction_usable_and_no_table_behind(event):
    columns = ("event_id", "platform", "uid")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Account, columns, [(None, "x", "1")])
    with pytest.raises(IntegrityError), transaction.atomic():
        other = event.accounts.create(platform="x", uid="2")
        update_rows([Account(pk=other.pk, handle=None)], ["handle"])
    insert_rows(Account, columns, [(event.pk, "x", "1")], ignore_conflicts=True)
    assert Account.objects.count() == 1


@pytest.mark.skipif(not ON_POSTGRESQL, reason="only PostgreSQL has COPY")
def test_many_rows_take_as_many_statements_as_few(event):
    asked = []
    with patch.object(writing, "COPIED_FROM", 1):
        for n in (2, 200):
            rows = [(event.pk, "x", f"{n}-{i}") for i in range(n)]
            with CaptureQueriesContext(connection) as counted:
                insert_rows(Account, ("event_id", "platform", "uid"), rows, ignore_conflicts=True)
                update_rows(list(event.accounts.all()), ["handle"])
            asked.append(len(counted))
    assert asked[0] == asked[1]

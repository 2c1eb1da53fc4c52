from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from imagery.models import Account, Image, Post
from imagery.writing import insert_rows, update_rows

pytestmark = pytest.mark.django_db


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

from datetime import UTC, datetime

import pytest

from imagery.models import Image, Post
from imagery.writing import update_rows

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

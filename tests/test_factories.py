"""The small organised event tells one story in rows and in arrays."""

import numpy as np
import pytest

from imagery import blobs, snapshots
from imagery.models import Event, Image, Link, Post, Snapshot, UniqueImage
from tests import factories


@pytest.mark.django_db
def test_rows_and_arrays_agree(event: Event) -> None:
    made = factories.organised(event, n_unique=7)
    assert (made.n_unique, made.n_groups, made.n_images) == (7, 3, 1 + 2 + 3 + 1 + 2 + 3 + 1)
    assert made.n_posts == Post.objects.count() == 24 + 12 + 8 + 6 + 4 + 4 + 3 + 2 + 4
    assert made.n_image_posts == made.n_posts - 4
    assert Link.objects.failed().count() == 1
    top = UniqueImage.objects.get(event=event, rank=1)
    assert top.n_posts == 24 and top.group_id == top.pk
    for unique in UniqueImage.objects.filter(event=event):
        posts = Post.objects.filter(links__image__unique=unique).distinct()
        assert unique.n_posts == posts.count()
    times = snapshots.read(made, Snapshot.Kind.TIMELINE)
    assert times["post_n"].sum() == made.n_posts
    assert times["image_post_n"].sum() == made.n_image_posts
    assert times["n"].sum() == sum(UniqueImage.objects.values_list("n_posts", flat=True))
    tree = snapshots.read(made, Snapshot.Kind.TREE)
    assert tree["n_groups"][np.isclose(tree["thetas"], 0.8)].tolist() == [3]
    assert tree["n_groups"][0] == 1 and tree["largest"][0] == 7


@pytest.mark.django_db
def test_pictures_are_stored(event: Event) -> None:
    factories.organised(event, n_unique=1)
    image = Image.objects.get()
    assert blobs.get(image.sha256)[:3] == b"\xff\xd8\xff"

"""Tree and neighbours of an event that goes on are those of one that is made at once."""

import numpy as np
import pytest

from imagery import grouping, snapshots
from imagery.models import Event, Image, Snapshot, UniqueImage, Vector

pytestmark = pytest.mark.django_db
EMBEDDER = "mobilenet_v2@test"


@pytest.fixture
def event() -> Event:
    return Event.objects.create(slug="storm", name="Storm", embedder=EMBEDDER)


def _add(event: Event, seeds: range) -> list[UniqueImage]:
    made = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        image = Image.objects.create(
            event=event, sha256=rng.bytes(32).hex(), n_bytes=1, phash=f"{seed:016x}"
        )
        odds = np.exp(rng.normal(0, 4, 20))
        values = (odds / odds.sum()).astype("<f2").tobytes()
        Vector.objects.create(image=image, layer="snc", embedder=event.embedder, values=values)
        made.append(UniqueImage.objects.create(event=event, representative=image))
    return made


def _made(event: Event) -> dict[str, list]:
    tree = snapshots.read(event, Snapshot.Kind.TREE)
    near = snapshots.read(event, Snapshot.Kind.NEIGHBOURS)
    return {
        f"{kind}.{name}": array.tolist()
        for kind, arrays in (("tree", tree), ("near", near))
        for name, array in arrays.items()
    }


def _from_scratch(event: Event) -> dict[str, list]:
    event.snapshots.all().delete()
    grouping.run(event)
    return _made(event)


def test_grown_by_passes_is_what_one_pass_makes(event, monkeypatch):
    from imagery.core import linkage

    made = _add(event, range(60))
    grouping.run(event)
    whole = linkage.minimum_spanning_tree
    monkeypatch.setattr(linkage, "minimum_spanning_tree", lambda _: pytest.fail("from scratch"))
    _add(event, range(60, 66))
    grouping.run(event)
    UniqueImage.objects.filter(pk__in=[made[3].pk, made[17].pk]).delete()
    UniqueImage.objects.filter(pk=made[30].pk).update(apart=True)
    _add(event, range(66, 68))
    grouping.run(event)
    grown = _made(event)
    monkeypatch.setattr(linkage, "minimum_spanning_tree", whole)
    assert grown == _from_scratch(event)
    assert len(grown["tree.unique"]) == 65
    assert len(grown["near.unique"]) == 66


def test_another_way_to_describe_is_made_anew(event):
    _add(event, range(30))
    grouping.run(event)
    before = _made(event)
    event.embedder = "mobilenet_v2@other"
    for vector in Vector.objects.all():
        vector.embedder, vector.pk = event.embedder, None
        vector.values = bytes(vector.values)[2:] + bytes(vector.values)[:2]
        vector.save()
    grouping.run(event)
    after = _made(event)
    assert after != before
    assert after == _from_scratch(event)


def test_unchanged_inputs_make_nothing(event):
    _add(event, range(12))
    grouping.run(event)
    revision = event.snapshots.get(kind=Snapshot.Kind.TREE).revision
    grouping.run(event)
    assert event.snapshots.get(kind=Snapshot.Kind.TREE).revision == revision


def test_an_event_without_pictures_has_an_empty_tree(event):
    assert grouping.run(event) == 0
    assert _made(event)["tree.unique"] == []

import numpy as np
import pytest
from django.db import OperationalError

from imagery import snapshots
from imagery.models import Snapshot

KIND = Snapshot.Kind.NEIGHBOURS


@pytest.mark.django_db(transaction=True)
def test_what_was_there_stays_until_the_new_is_whole(event, monkeypatch):
    def full(self: Snapshot, *args: object, **kwargs: object) -> None:
        raise OperationalError("database or disk is full")

    made = {"unique": np.arange(3)}
    with monkeypatch.context() as patched:
        patched.setattr(Snapshot, "save", full)
        with pytest.raises(OperationalError):
            snapshots.write(event, KIND, made, "a")
    assert snapshots.read(event, KIND)["unique"].size == 0
    snapshots.write(event, KIND, made, "a")
    with monkeypatch.context() as patched:
        patched.setattr(Snapshot, "save", full)
        with pytest.raises(OperationalError):
            snapshots.write(event, KIND, {"unique": np.arange(9)}, "b")
    assert snapshots.read(event, KIND)["unique"].tolist() == [0, 1, 2]
    assert snapshots.inputs_of(event, KIND) == "a"
    snapshots.write(event, KIND, {"unique": np.arange(9)}, "b")
    assert Snapshot.objects.get(event=event, kind=KIND).revision == 2

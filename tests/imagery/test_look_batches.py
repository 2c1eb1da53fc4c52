"""How many pictures go through the network at once: as many as its device takes."""

from types import SimpleNamespace

import numpy as np
import pytest

from imagery import blobs, look
from imagery.core import backbones, networks
from imagery.models import Event, Image
from tests.pictures import jpeg, photo


class Network:
    """Stands in for a backbone whose device takes `rows` pictures at once."""

    classes = ("a", "b")
    prepare = staticmethod(lambda picture: np.zeros((4, 4, 3), np.uint8))

    def __init__(self, rows: int) -> None:
        self.rows, self.batches = rows, []

    def encode(self, batch):
        self.batches.append(len(batch))
        n = len(batch)
        return np.full((n, 2), 0.5, np.float32), np.zeros((n, 3), np.float32)


@pytest.mark.django_db
@pytest.mark.parametrize(("rows", "wanted"), [(4, [32, 8]), (128, [40])])
def test_a_device_that_takes_more_is_given_more(monkeypatch, rows, wanted):
    event = Event.objects.create(slug="storm", name="Storm", embedder="network@1")
    data = [jpeg(photo(seed, (64, 48))) for seed in range(40)]
    images = [Image.objects.create(event=event, sha256=blobs.put(d), n_bytes=len(d)) for d in data]
    network = Network(rows)
    monkeypatch.setattr(look, "backbone", lambda name: network)
    look.look(event, [image.pk for image in images])
    assert network.batches == wanted
    assert event.images.to_look("network@1").count() == 0


def test_a_gpu_takes_large_batches_and_a_processor_small_ones(monkeypatch):
    """By shape alone: the device is told, not used."""

    class Layer:
        def to(self, *args: object, **kwargs: object) -> "Layer":
            return self

        float = to

    monkeypatch.setattr(networks, "encoder", lambda model, preset: Layer())
    monkeypatch.setattr(networks, "last_layer", lambda model: Layer())
    rows = {}
    for device in ("cpu", "cuda"):
        made = networks.TorchPass(Layer(), None, SimpleNamespace(type=device), None)
        rows[device] = backbones.Backbone("name", "1", [], 3, None, made).rows
    assert rows == {"cpu": 16, "cuda": 128}

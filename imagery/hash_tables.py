"""An event's hashes as arrays, for searches; a small cache in each process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import numpy as np

from imagery.models import Event, Image

CACHED_ROWS = 2_000_000  # about 100 MB


@dataclass(frozen=True, slots=True)
class Hashes:
    """Of the event's images that are in a set: read-only, by id.

    image: (n,) int64. phash: (n, 8), pdq: (n, 32), pdq_quality: (n,), all uint8. flat: (n,) bool,
    those whose pHash is noise.
    """

    image: np.ndarray
    phash: np.ndarray
    pdq: np.ndarray
    pdq_quality: np.ndarray
    flat: np.ndarray

    def __len__(self) -> int:
        return len(self.image)


_cache: OrderedDict[int, tuple[tuple[datetime, int], Hashes]] = OrderedDict()
_lock = Lock()


def of(event: Event) -> Hashes:
    """As the event's last rollup left them."""
    version = (event.created_at, event.revision)
    with _lock:
        held = _cache.get(event.pk)
        if held and held[0] == version:
            _cache.move_to_end(event.pk)
            return held[1]
    made = _read(event)
    with _lock:
        _cache[event.pk] = (version, made)
        _cache.move_to_end(event.pk)
        while len(_cache) > 1 and sum(len(one) for _, one in _cache.values()) > CACHED_ROWS:
            _cache.popitem(last=False)
    return made


def _read(event: Event) -> Hashes:
    images = Image.objects.filter(event_id=event.pk, unique__isnull=False, failed_at=None)
    fields = ("pk", "phash", "pdq", "pdq_quality", "is_blank")
    rows = list(images.seen().exclude(pdq="").order_by("pk").values_list(*fields))
    columns = list(zip(*rows, strict=True)) or [()] * len(fields)
    made = Hashes(
        image=np.array(columns[0], np.int64),
        phash=np.frombuffer(bytes.fromhex("".join(columns[1])), np.uint8).reshape(-1, 8),
        pdq=np.frombuffer(bytes.fromhex("".join(columns[2])), np.uint8).reshape(-1, 32),
        pdq_quality=np.array([quality or 0 for quality in columns[3]], np.uint8),
        flat=np.array(columns[4], bool),
    )
    for array in (made.image, made.pdq_quality, made.flat):
        array.setflags(write=False)
    return made

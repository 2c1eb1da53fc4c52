"""Files → local features and views, kept beside the thumbnails; events' indices of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from imagery import blobs
from imagery.core import decode, features
from imagery.models import Event, Landmarks
from imagery.pictures import SMALL

if TYPE_CHECKING:
    from imagery.core.feature_index import Candidates, FeatureIndex
    from imagery.core.verification import Picture

HELD = 1500  # pictures a process keeps at hand: about 0.2 MB each


def features_of(sha256: str) -> features.Features | None:
    """From the file's features, made where there are none; None where the file is lost."""
    from imagery.core import verification

    try:
        return features.unpack(blobs.get_features(sha256, features.VERSION))
    except (FileNotFoundError, ValueError):  # none yet, or written by another version's code
        pass
    try:
        made = verification.picture_of(_thumbnail(sha256)).features
    except (FileNotFoundError, decode.Refused):
        return None
    packed = features.pack(made)
    blobs.put_features(sha256, features.VERSION, packed)
    return features.unpack(packed)


@lru_cache(maxsize=HELD)
def picture(sha256: str) -> Picture | None:
    """The file ready to be compared; None where it is lost."""
    from imagery.core import verification

    found = features_of(sha256)
    try:
        return verification.picture_of(_thumbnail(sha256), found) if found else None
    except (FileNotFoundError, decode.Refused):
        return None


def luma(sha256: str) -> np.ndarray | None:
    """(h, w) uint8, the file's view without its features; None where it is lost."""
    import cv2

    try:
        return cv2.cvtColor(features.view_of(_thumbnail(sha256)), cv2.COLOR_RGB2GRAY)
    except (FileNotFoundError, decode.Refused):
        return None


def picture_of(data: bytes) -> Picture:
    """The same of bytes that are no stored file. Raises decode.Refused."""
    from imagery.core import verification

    small = decode.thumbnail(decode.decode(data).small, SMALL)[0]
    made = verification.picture_of(_pixels(small))
    return verification.Picture(
        made.colour, made.luma, features.unpack(features.pack(made.features))
    )


def _thumbnail(sha256: str) -> np.ndarray:
    """(h, w, 3) uint8. Raises FileNotFoundError or Refused."""
    try:
        data = blobs.get_thumb(sha256, SMALL)
    except FileNotFoundError:
        data = decode.thumbnail(decode.decode(blobs.get(sha256)).small, SMALL)[0]
    return _pixels(data)


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))


@dataclass(frozen=True, slots=True)
class Indexed:
    """An event's described images that stand for sets, in the order the index counts them."""

    index: FeatureIndex
    ids: np.ndarray
    digests: list[str]

    def search(self, pictures: Sequence[Picture]) -> Candidates:
        from imagery.core.feature_codes import rows_of

        return self.index.search(
            [rows_of(one.features) for one in pictures],
            [rows_of(one.features.mirrored()) for one in pictures],
        )


def indexed(event: Event, marks: Sequence[str]) -> Indexed:
    """The event's index, held by the process until other images are described.

    marks: `versions_by` of images to take in.
    """
    rows = Landmarks.objects.filter(
        image__event=event, version=features.VERSION, image__versions_by__in=marks
    )
    ids = tuple(rows.order_by("pk").values_list("pk", flat=True))
    return _index(event.pk, ids)


@lru_cache(maxsize=2)
def _index(event_id: int, ids: tuple[int, ...]) -> Indexed:
    from imagery.core.feature_codes import ROW
    from imagery.core.feature_index import FeatureIndex

    wanted = set(ids)
    found = Landmarks.objects.filter(image__event=event_id, version=features.VERSION)
    kept = [
        row
        for row in found.order_by("pk").values_list("pk", "image__sha256", "rows").iterator(2000)
        if row[0] in wanted
    ]
    return Indexed(
        FeatureIndex([np.frombuffer(row[2], ROW) for row in kept]),
        np.array([row[0] for row in kept], np.int64),
        [row[1] for row in kept],
    )

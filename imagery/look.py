"""Files → what one decode tells: thumbnail, hashes, quality, vectors."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from threadpoolctl import threadpool_limits

from imagery import blobs, orphans
from imagery.core import decode, hashing, quality
from imagery.models import Event, Image, Link, Vector
from imagery.pictures import SMALL
from imagery.writing import update_rows

if TYPE_CHECKING:
    from imagery.core.backbones import Backbone

log = logging.getLogger(__name__)

BATCH = 32  # at least; a network on a GPU takes more at once
TOP_CLASSES = 5
HASH_VERSION = "+".join(hashing.ALGORITHMS.values())


@lru_cache(maxsize=2)
def backbone(name: str) -> Backbone:
    """The named backbone, loaded once per process. Raises WeightsMissing."""
    from imagery.core import backbones

    return backbones.load(
        name,
        weights_dir=settings.IMAGERY_WEIGHTS_DIR,
        cache_dir=settings.DATA_DIR / "weights",
        threads=_threads(),
    )


def import_runtime() -> None:
    """What the default backbone runs by, imported but not yet set up."""
    from imagery.core import backbones

    backbones.import_runtime(
        settings.IMAGERY_BACKBONE,
        weights_dir=settings.IMAGERY_WEIGHTS_DIR,
        cache_dir=settings.DATA_DIR / "weights",
    )


def choose_embedder(event: Event) -> str:
    """Set and return what the event's vectors are made with; classic where weights are missing."""
    from imagery.core import descriptors
    from imagery.core.backbones import WeightsMissing

    try:
        embedder, note = backbone(event.backbone).version, ""
    except WeightsMissing as error:
        embedder, note = descriptors.VERSION, _without_folders(str(error))
        if note != event.embedder_note:
            log.warning("event %s: %s", event.pk, error)
    if (embedder, note) != (event.embedder, event.embedder_note):
        event.embedder, event.embedder_note = embedder, note
        event.save(update_fields=["embedder", "embedder_note"])
    return embedder


def _without_folders(text: str) -> str:
    """Where the server keeps its weights is nothing that members of an event need to know."""
    for folder in (settings.IMAGERY_WEIGHTS_DIR, settings.DATA_DIR / "weights"):
        text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "the weights folder")
    return text


@dataclass(slots=True)
class Seen:
    """One image after its decode; `ready` is the network's input or the classic vector."""

    image: Image
    thumb: bytes = b""
    ready: np.ndarray | None = None
    vectors: dict[str, np.ndarray] = field(default_factory=dict)


def look(
    event: Event, ids: Sequence[int], progress: Callable[[int, int], None] | None = None
) -> None:
    """Look at those images that this embedder has not seen; safe to repeat and to kill."""
    images = list(event.images.to_look(event.embedder).filter(pk__in=ids).order_by("pk"))
    network = None if event.descriptor == "classic" else backbone(event.backbone)
    with threadpool_limits(_threads(), user_api="blas"):
        for batch in _batches(images, max(BATCH, network.rows if network else 0)):
            seen = [_see(image, network) for image in batch]
            good = [one for one in seen if one.image.failed_at is None]
            _describe(good, network)
            _keep(event, seen)
            if progress:
                progress(len(seen), len(seen) - len(good))


def _threads() -> int:
    """This process's share of the cores."""
    return max(1, (os.cpu_count() or 1) // settings.CELERY_WORKER_CONCURRENCY)


def _batches(images: list[Image], size: int) -> Iterator[list[Image]]:
    for start in range(0, len(images), size):
        yield images[start : start + size]


def _see(image: Image, network: Backbone | None) -> Seen:
    image.looked_at = timezone.now()
    try:
        decoded = decode.decode(blobs.get(image.sha256))
    except FileNotFoundError:
        return _refuse(image, "the stored file is missing: fetch it again")
    except decode.Refused as error:
        return _refuse(image, str(error))
    image.format, image.frames, image.truncated = decoded.format, decoded.frames, decoded.truncated
    image.width, image.height = decoded.width, decoded.height
    image.phash = hashing.to_hex(hashing.phash(decoded.luma))
    pdq, image.pdq_quality = hashing.pdq(decoded.small_image)
    image.pdq = hashing.to_hex(pdq)
    image.signature = hashing.signature(decoded.small_image).tobytes()
    image.hash_version = HASH_VERSION
    measured = quality.measure(decoded.luma, decoded.width, decoded.height)
    image.brightness, image.contrast = measured.brightness, measured.contrast
    image.sharpness = measured.sharpness
    image.is_blank, image.is_dark = measured.is_flat, measured.is_dark
    image.is_blurry, image.is_tiny = measured.is_blurry, measured.is_tiny
    seen = Seen(image, decode.thumbnail(decoded.small_image, SMALL)[0])
    seen.ready = network.prepare(decoded.image) if network else _classic(decoded.pixels)
    return seen


def _refuse(image: Image, reason: str) -> Seen:
    image.failed_at, image.reason = timezone.now(), reason[:500]
    return Seen(image)


def _classic(pixels: np.ndarray) -> np.ndarray:
    from imagery.core.descriptors import classic

    return classic(pixels)


def _describe(seen: list[Seen], network: Backbone | None) -> None:
    """Vectors by layer, and the names of what the network takes the picture for."""
    if not seen:
        return
    if network is None:
        for one in seen:
            one.vectors = {"classic": one.ready}  # type: ignore[dict-item]
            one.image.top_classes = []
        return
    snc, nc = network.encode([one.ready for one in seen])  # type: ignore[misc]
    for one, soft, neural in zip(seen, snc, nc, strict=True):
        one.vectors = {"snc": soft, "nc": neural}
        best = np.argsort(-soft, kind="stable")[:TOP_CLASSES]
        one.image.top_classes = [[network.classes[i], round(float(soft[i]), 4)] for i in best]


IMAGE_FIELDS = (
    "looked_at", "format", "frames", "truncated", "width", "height", "phash", "pdq", "pdq_quality",
    "signature", "hash_version", "brightness", "contrast", "sharpness", "is_blank", "is_dark",
    "is_blurry", "is_tiny", "embedder", "top_classes", "failed_at", "reason",
)  # fmt: skip


def _keep(event: Event, seen: list[Seen]) -> None:
    """Files first, then the rows that speak of them, in one transaction."""
    for one in seen:
        if one.thumb:
            blobs.put_thumb(one.image.sha256, SMALL, one.thumb)
            one.image.embedder = event.embedder
    vectors = [
        Vector(
            image=one.image,
            layer=layer,
            embedder=event.embedder,
            values=values.astype("<f2").tobytes(),
        )
        for one in seen
        for layer, values in one.vectors.items()
    ]
    with transaction.atomic():
        if not Event.objects.filter(pk=event.pk).exists():  # deleted meanwhile
            orphans.drop(one.image.sha256 for one in seen)
            return
        update_rows([one.image for one in seen], IMAGE_FIELDS)
        Vector.objects.bulk_create(vectors, ignore_conflicts=True)
        for one in seen:
            if one.image.failed_at is not None:
                one.image.links.update(
                    state=Link.State.FAILED,
                    kind="refused",
                    reason=one.image.reason,
                    failed_at=one.image.failed_at,
                )

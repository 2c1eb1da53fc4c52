"""Files of an event's images, to its members alone: thumbnails and originals.

Names are digests, so an answer never changes: browsers may keep it for a year. What a file is
called and what type it has is said by us, never by whoever posted it.
"""

from __future__ import annotations

import logging

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from imagery import blobs, known, pictures
from imagery.core import covering, decode
from imagery.models import Event, Image

log = logging.getLogger(__name__)

SIDES = frozenset((pictures.SMALL, *pictures.LARGE))
# What a browser may show; any other format is only ever handed over to be saved.
TYPES = {
    "jpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "webp": ("image/webp", "webp"),
    "gif": ("image/gif", "gif"),
    "bmp": ("image/bmp", "bmp"),
    "tiff": ("image/tiff", "tif"),
    "heic": ("image/heic", "heic"),
}


@require_safe
def thumb(
    request: HttpRequest, slug: str, sha256: str, side: int, *, cover: bool = True
) -> HttpResponseBase:
    """A JPEG of at most `side` pixels; made when first asked for.

    With `cover`, what a block list knows is blurred unless `?shown` asks for it.
    """
    if side not in SIDES:
        raise Http404(f"no thumbnails of {side} pixels, only of {sorted(SIDES)}")
    image = _image(request, slug, sha256)
    cover = cover and "shown" not in request.GET and _is_covered(image)
    etag = f'"{sha256}-{side}{"-covered" if cover else ""}"'
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        return _kept(unchanged, etag)
    name = f"{image.sha256[:16]}-{side}.jpg"
    file = _open_thumb(image, side)
    if cover:
        with file:
            file = ContentFile(covering.blurred(file.read()))
    return _kept(FileResponse(file, content_type="image/jpeg", filename=name), etag)


@require_safe
def original(request: HttpRequest, slug: str, sha256: str) -> HttpResponseBase:
    """The file as it was fetched; it runs nothing, whatever it holds."""
    image = _image(request, slug, sha256)
    etag = f'"{sha256}"'
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        return _kept(unchanged, etag)
    try:
        file = default_storage.open(blobs.blob_name(sha256))
    except FileNotFoundError:
        raise Http404(f"the file of image {image} is gone") from None
    kind = image.format.lower()
    content_type, suffix = TYPES.get(kind, ("application/octet-stream", "bin"))
    response = FileResponse(
        file,
        content_type=content_type,
        as_attachment=kind not in TYPES,
        filename=f"{sha256[:16]}.{suffix}",
    )
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return _kept(response, etag)


def _image(request: HttpRequest, slug: str, sha256: str) -> Image:
    """The image, if the person may see its event; one query, for pages ask for many."""
    events = Event.objects.visible_to(request.user).filter(slug=slug)
    rows = Image.objects.filter(event__in=events, sha256=sha256)
    rows = rows.select_related("event")
    return get_object_or_404(rows.only("sha256", "format", "unique", "event__known_revision"))


def _is_covered(image: Image) -> bool:
    return bool(image.event.known_revision) and known.is_covered(image)


def _open_thumb(image: Image, side: int) -> File:
    try:
        return default_storage.open(blobs.thumb_name(image.sha256, side))
    except FileNotFoundError:
        pass
    try:
        data, _, _ = decode.render(blobs.get(image.sha256), side)
    except FileNotFoundError:
        raise Http404(f"the file of image {image} is gone") from None
    except decode.Refused as error:
        raise Http404(f"image {image} cannot be shown: {error}") from None
    try:
        blobs.put_thumb(image.sha256, side, data)
    except OSError as error:  # a full disk; it is shown all the same, and made again next time
        log.warning("the rendition of image %s at %d px is not kept: %s", image, side, error)
    return ContentFile(data)


def _kept(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    return response

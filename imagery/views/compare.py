"""Two images of an event, one held against the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from imagery import comparing, known, pictures, renditions, version_history
from imagery.access import event_for
from imagery.core import covering, decode, placements
from imagery.models import Event, Image, Link, PostLink
from imagery.views import query
from imagery.views.files import TYPES

MODES = (
    ("side", "Side by side", "Both, zoomed and moved together"),
    ("overlay", "Overlay", "B over A, as clear as you like"),
    ("slider", "Slider", "B drawn across A"),
    ("difference", "Difference", "What differs, made bright"),
)
VERSIONS = 48
DIFFERENCE = "difference-1"  # a step on whenever the same two would be drawn otherwise
NOT_SHOWN = frozenset(("tiff", "heic"))  # by browsers; their renditions are
PRIVATE = "private, max-age=0, must-revalidate"


class Unasked(ValueError):
    """No two images were asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Held:
    """One of the two, with what is told of it beside the other."""

    letter: str
    image: Image
    n_accounts: int
    link: Link | None
    n_links: int


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    mode = query.choice(request, "mode", tuple(key for key, *_ in MODES))
    context: dict[str, Any] = {"event": event, "tab": "", "mode": mode, "modes": MODES}
    try:
        if "pictures" in request.GET:
            return redirect(_address(event, *_represented(request, event), mode=mode))
        first, second = _asked(request, event)
    except Unasked as error:
        context["problem"] = str(error)
        return render(request, "imagery/compare.html", context, status=400)
    found = comparing.placed(event, first, second)
    shared = second.unique if first.unique_id == second.unique_id else None
    context |= {
        "first": first,
        "second": second,
        "same_set": shared is not None,
        "held": _held(first, second),
        "placed": found,
        "mirrored": placements.is_mirrored(found.placement),
        "distances": comparing.distances(event, first, second),
        "data": _data(event, first, second, found),
        "covered_by": known.covering(event, {first.unique_id, second.unique_id}),
        "swapped": _address(event, second, first, mode=mode),
        "history": version_history.of(event, shared, VERSIONS) if shared else None,
        "may_edit": Event.objects.editable_by(request.user).filter(pk=event.pk).exists(),
    }
    return render(request, "imagery/compare.html", context)


@require_safe
def difference(request: HttpRequest, slug: str) -> HttpResponse:
    """The difference picture; its figures are in headers. `mirror` turns the second round,
    `line` 0 leaves what matches say aside. Where a block list knows either of the two, it is
    blurred unless `?shown` asks for it."""
    event = event_for(request, slug)
    try:
        first, second = _asked(request, event)
    except Unasked as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    placement = _placement(request, event, first, second)
    numbers = tuple(np.round(placement, 5).ravel().tolist())
    covered = "shown" not in request.GET and _is_covered(event, first, second)
    cover = "-covered" if covered else ""
    etag = f'"{DIFFERENCE}-{first.pk}-{second.pk}-{hash(numbers):x}{cover}"'
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        return unchanged
    try:
        drawn = comparing.drawn(first.sha256, second.sha256, numbers)
    except FileNotFoundError:
        raise Http404(f"the file of image {first} or {second} is gone") from None
    except decode.Refused as error:
        raise Http404(f"image {first} or {second} cannot be shown: {error}") from None
    jpeg = covering.blurred(drawn.jpeg) if covered else drawn.jpeg
    response = HttpResponse(jpeg, content_type="image/jpeg")
    response["Afterimage-Overlap"] = f"{drawn.overlap:.5f}"
    response["Afterimage-Differing"] = "" if drawn.differing is None else f"{drawn.differing:.5f}"
    response["Afterimage-Added"] = f"{drawn.added:.5f}"
    response["Afterimage-Box"] = " ".join(f"{value:.5f}" for value in drawn.box)
    response["ETag"], response["Cache-Control"] = etag, PRIVATE
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _is_covered(event: Event, *images: Image) -> bool:
    return bool(event.known_revision) and any(known.is_covered(image) for image in images)


def _asked(request: HttpRequest, event: Event) -> tuple[Image, Image]:
    """Raises Unasked, or Http404 for what is not in the event."""
    wanted = [query.whole(request, name, 0, 0, 10**18) for name in ("a", "b")]
    if not all(wanted):
        raise Unasked(
            "Two images are needed: open a picture’s page and choose one of its versions."
        )
    if wanted[0] == wanted[1]:
        raise Unasked("These two are one and the same file: choose another version.")
    rows = event.images.select_related("unique__representative").defer("top_classes")
    found = rows.in_bulk(wanted)
    if len(found) < 2:
        raise Http404(f"no images {wanted} in {event.slug!r}")
    for image in found.values():
        if image.failed_at is not None or not image.width:
            raise Unasked(
                f"The file {image} cannot be shown: {image.reason or 'it was not looked at yet'}."
            )
    return found[wanted[0]], found[wanted[1]]


def _represented(request: HttpRequest, event: Event) -> list[Image]:
    """What stands for the two unique images that `pictures` names: "17,23"."""
    named = request.GET["pictures"][:60].split(",")
    wanted = [int(text) for text in named if text.isascii() and text.isdigit() and len(text) <= 18]
    if len(set(wanted)) != 2:
        raise Unasked("Two pictures are needed: select two and choose Compare.")
    found = event.unique_images.select_related("representative").in_bulk(wanted)
    if len(found) < 2:
        raise Http404(f"no unique images {wanted} in {event.slug!r}")
    return [found[pk].representative for pk in wanted]


def _held(first: Image, second: Image) -> list[Held]:
    """Both with their accounts and most posted links: four queries."""
    pair = (first, second)
    ties = PostLink.objects.filter(link__image__in=pair, post__selected=True)
    accounts = dict(
        ties.values_list("link__image_id")
        .annotate(n=Count("post__account", distinct=True))
        .order_by()
    )
    links = Link.objects.filter(image__in=pair)
    n_links = dict(links.values_list("image_id").annotate(n=Count("pk")).order_by())
    held = []
    for letter, image in zip("AB", pair, strict=True):
        most = image.links.order_by("-n_posts", "pk").first()
        held.append(Held(letter, image, accounts.get(image.pk, 0), most, n_links.get(image.pk, 0)))
    return held


def _free(first: Image, second: Image) -> np.ndarray:
    """Where the second is set when nothing is said of its place."""
    return placements.centred((second.width, second.height), of=(first.width, first.height))


def _placement(request: HttpRequest, event: Event, first: Image, second: Image) -> np.ndarray:
    if query.choice(request, "line", ("1", "0")) == "0":
        placement = _free(first, second)
    else:
        placement = comparing.placed(event, first, second).placement
    if query.choice(request, "mirror", ("0", "1")) == "1":
        placement = placements.compose(placement, placements.MIRROR)
    return placement


def _address(event: Event, first: Image, second: Image, **more: str) -> str:
    asked = {"a": first.pk, "b": second.pk} | more
    return f"{reverse('imagery:compare', args=[event.slug])}?{urlencode(asked)}"


def _data(event: Event, first: Image, second: Image, found: comparing.Placed) -> dict[str, Any]:
    """For the page's script: renditions of both, and the second's places in the first's pixels."""
    sizes = (second.width, second.height), (first.width, first.height)
    return {
        "one": _sizes(event, first),
        "two": _sizes(event, second),
        "placed": placements.in_pixels(found.placement, *sizes).T.ravel().tolist(),
        "free": placements.in_pixels(_free(first, second), *sizes).T.ravel().tolist(),
        "told": bool(found.how),
        "outlined": found.how in ("match", "chain") and placements.moves(found.placement),
        "difference": reverse("imagery:compare-difference", args=[event.slug])
        + "?"
        + urlencode({"a": first.pk, "b": second.pk}),
    }


def _sizes(event: Event, image: Image) -> dict[str, Any]:
    """Sources by width in pixels, smallest first; the file itself last where a browser shows it."""
    made = renditions.of(event, image)
    sources = [(one.url, one.width) for one in made]
    kind = image.format.lower()
    if made[-1].width < image.width and kind in TYPES and kind not in NOT_SHOWN:
        sources.append((pictures.file_url(event, image.sha256), image.width))
    return {"width": image.width, "height": image.height, "sources": sources}

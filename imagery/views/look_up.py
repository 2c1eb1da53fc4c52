"""Looking a picture up: the form, what was found, and the small copy that is kept of it."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imagery import look_up_answers, look_ups
from imagery.access import event_for
from imagery.models import Event, Image, LookUp
from imagery.views import query

LAST = 12


def address(row: LookUp) -> str:
    """Where what was found is shown."""
    if row.event is not None:
        return reverse("imagery:event-look-up", args=[row.event.slug, row.key])
    return reverse("imagery:look-up", args=[row.key])


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """POST: a `file`, `words` (an address or a hash) or `image`; `where` "all" for all events."""
    event = event_for(request, slug) if slug is not None else None
    if event is None and not Event.objects.visible_to(request.user).exists():
        if request.method == "POST":
            raise Http404("no event to look in")
        return _form(request, None, "")
    if request.method == "POST":
        try:
            return redirect(address(_asked(request, event)))
        except look_ups.NotAsked as error:
            status = 429 if isinstance(error, look_ups.TooMany) else 422
            return _form(request, event, str(error), status)
    return _form(request, event, "")


def _asked(request: HttpRequest, event: Event | None) -> LookUp:
    within = None if request.POST.get("where") == "all" else event
    if pk := request.POST.get("image", ""):
        return look_ups.ask(request.user, within, image=_image(request, pk))
    file = request.FILES.get("file")
    words = "" if file else request.POST.get("words", "")
    return look_ups.ask(request.user, within, file=file, words=words)


def _image(request: HttpRequest, pk: str) -> Image:
    events = Event.objects.visible_to(request.user)
    rows = Image.objects.filter(event__in=events).select_related("event")
    found = rows.filter(pk=pk).first() if pk.isascii() and pk.isdigit() and len(pk) < 19 else None
    if found is None:
        raise Http404(f"no image {pk[:40]!r}")
    return found


def _form(
    request: HttpRequest, event: Event | None, problem: str, status: int = 200
) -> HttpResponse:
    last = LookUp.objects.filter(user=request.user.pk).select_related("event")
    context = {
        "base": "event_base.html" if event else "base.html",
        "event": event,
        "tab": "search",
        "problem": problem,
        "words": request.POST.get("words", ""),
        "last": [(row, address(row)) for row in last[:LAST]],
        "n_events": Event.objects.visible_to(request.user).count(),
        "kept_days": look_ups.KEPT.days,
    }
    return render(request, "imagery/look_up_new.html", context, status=status)


@require_safe
def show(request: HttpRequest, key: str, slug: str | None = None) -> HttpResponse:
    """What was found, as far as it goes; a script that asks for what it has is told 204."""
    row = _seen(request, key, slug)
    step = len(row.found) if row.is_unfinished else 99
    if query.wants_part(request) and request.GET.get("after") == str(step):
        return HttpResponse(status=204)
    answer = look_up_answers.answer(row, request.user)
    own = {image.event_id: image.pk for image in _own_images(row, answer)}
    context: dict[str, Any] = {
        "base": "event_base.html" if row.event else "base.html",
        "event": row.event,
        "tab": "search",
        "row": row,
        "answer": answer,
        "step": step,
        "across": row.event is None,
        "compared": [
            (hit, own[hit.event.pk])
            for section in answer.sections
            if section.name in ("near", "versions", "differs")
            for hit in section.hits
            if hit.event.pk in own
        ][:8],
        "is_own": row.user_id == request.user.pk,
        "kept_until": row.created_at + look_ups.KEPT,
    }
    return query.part(render(request, "imagery/look_up.html", context))


def _own_images(row: LookUp, answer: look_up_answers.Answer) -> list[Image]:
    """Images of the viewer's events that are the asked file: what others can be held against."""
    return [hit.image for s in answer.sections if s.name == "exact" for hit in s.hits]


def _seen(request: HttpRequest, key: str, slug: str | None) -> LookUp:
    row = look_up_answers.visible(key, request.user)
    if (row.event.slug if row.event else None) != slug:
        raise Http404(f"no look-up {key!r} here")
    return row


@require_safe
def thumb(request: HttpRequest, key: str) -> HttpResponseBase:
    row = look_up_answers.visible(key, request.user)
    try:
        file = default_storage.open(look_ups.thumb_name(row.key))
    except FileNotFoundError:
        raise Http404(f"no picture is kept of look-up {key!r}") from None
    response = FileResponse(file, content_type="image/jpeg", filename="looked-up.jpg")
    response["Cache-Control"] = "private, max-age=3600"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
def forget(request: HttpRequest, key: str) -> HttpResponse:
    """Delete one's own look-up with what was kept of it."""
    rows = LookUp.objects.filter(key=key, user=request.user.pk).select_related("event")
    row = rows.first()
    if row is None:
        raise Http404(f"no look-up {key!r} of yours")
    look_ups.forget(rows)
    if row.event is not None and Event.objects.visible_to(request.user).filter(pk=row.event.pk):
        return redirect("imagery:event-look-up-new", row.event.slug)
    return redirect("imagery:look-up-new")

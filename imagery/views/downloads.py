"""What can be taken along of an event: tables, pictures as a ZIP, pictures as evidence."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from imagery import bundles, evidence, selections, tables, text_index
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.models import Event, Role
from imagery.views import similarity

# A selection may be too long for an address: then it comes in a form, and changes nothing.
ASKS = ["GET", "HEAD", "POST"]


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    event = event_for(request, slug)
    owns = event.role_of(request.user) == Role.OWNER
    found = [(name, table) for name, table in tables.TABLES.items() if owns or table.may == "see"]
    context = {
        "event": event,
        "tab": "downloads",
        "tables": found,
        "top": selections.TOP,
        "most": bundles.MOST,
        "most_sheets": evidence.MOST,
    }
    return render(request, "imagery/downloads.html", context)


@require_safe
def table(request: HttpRequest, slug: str, name: str) -> HttpResponse | StreamingHttpResponse:
    """Groups may be asked for at any ?similarity=."""
    found = tables.TABLES.get(name)
    if found is None:
        event_for(request, slug)
        raise Http404(f"no table {name!r}")
    event = event_for(request, slug, may=found.may)
    rows = found.rows(event)
    if name == "groups" and (asked := request.GET.get("similarity")):
        try:
            rows = tables.groups_at(event, similarity.parse(asked))
        except ValueError as error:
            return _refused(error)
    return csv_response(f"{event.slug}-{name}", found.header, rows)


@require_safe
def events_csv(request: HttpRequest) -> StreamingHttpResponse:
    found = Event.objects.visible_to(request.user).order_by("-id")
    return csv_response("events", tables.EVENTS, tables.events(found))


@require_http_methods(ASKS)
def pictures_zip(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    event = event_for(request, slug)
    try:
        with text_index.bounded():
            made = bundles.bundle(event, selections.chosen(event, _asked(request), bundles.MOST))
    except (selections.Refused, text_index.TooLong) as error:
        return _refused(error)
    response = StreamingHttpResponse(bundles.pieces(made), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{event.slug}-pictures.zip"'
    return response


@require_http_methods(ASKS)
def evidence_page(request: HttpRequest, slug: str) -> HttpResponse | StreamingHttpResponse:
    event = event_for(request, slug)
    try:
        with text_index.bounded():
            ids = selections.chosen(event, _asked(request), evidence.MOST)
    except (selections.Refused, text_index.TooLong) as error:
        return _refused(error)
    if not ids:
        return _refused("There are no pictures to make a record of yet.")
    parts = evidence.page(event, ids, request.user)
    response = StreamingHttpResponse(parts, content_type="text/html; charset=utf-8")
    name = evidence.name_of(event, timezone.now())
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Security-Policy"] = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
    )
    return response


def _asked(request: HttpRequest) -> Mapping[str, str]:
    return (request.POST if request.method == "POST" else request.GET).dict()


def _refused(error: object) -> HttpResponse:
    told = str(error) or "That takes too long to look through; ask for less."
    return HttpResponse(told, status=400, content_type="text/plain; charset=utf-8")

"""Bringing posts in: the upload, how far each import is, and the rows it could not read."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from imagery import ingest, progress, tasks, uploads
from imagery.access import event_for
from imagery.forms import ImportForm
from imagery.models import Event, Import, Role

SHOWN = 30


@require_http_methods(["GET", "POST"])
def imports(request: HttpRequest, slug: str) -> HttpResponse:
    """A script that uploads asks for JSON: {"url"} of the page to show, or {"error"}."""
    event = event_for(request, slug, may="edit" if request.method == "POST" else "see")
    wants_json = "application/json" in request.headers.get("Accept", "")
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if request.method == "POST":
        if form.is_valid():
            row = ingest.accept_upload(
                event,
                request.user,
                form.cleaned_data["file"],
                form.cleaned_data["format"],
                form.cleaned_data["images"],
            )
            tasks.import_file.delay_on_commit(row.pk)
            url = reverse("imagery:import", args=[event.slug])
            return JsonResponse({"url": url}, status=201) if wants_json else redirect(url)
        if wants_json:
            told = [str(error) for errors in form.errors.values() for error in errors]
            return JsonResponse({"error": " ".join(told)}, status=422)
    return _page(request, event, form)


def _page(request: HttpRequest, event: Event, form: ImportForm) -> HttpResponse:
    rows = list(event.imports.select_related("user")[:SHOWN])
    context = {
        "event": event,
        "tab": "import",
        "form": form,
        "imports": [(row, progress.of_import(row)) for row in rows],
        "busy": any(row.is_unfinished for row in rows),
        "may_edit": event.role_of(request.user) in (Role.OWNER, Role.ANALYST),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "imagery/import.html", context, status=status)


@require_GET
def bad_rows(request: HttpRequest, slug: str, import_id: int) -> HttpResponse | FileResponse:
    """NDJSON: {"file", "line", "reason", "row"} for each row that was left behind."""
    event = event_for(request, slug)
    row = get_object_or_404(Import, pk=import_id, event=event)
    path = uploads.here(settings.UPLOADS_DIR / Path(row.bad_rows).name)
    if not row.bad_rows or not path.is_file():
        raise Http404(f"import {import_id} keeps no bad rows")
    response = FileResponse(
        path.open("rb"),
        content_type="application/x-ndjson; charset=utf-8",
        as_attachment=True,
        filename=f"{event.slug}-import-{row.pk}-bad-rows.ndjson",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response

"""Stored retrieval tables: one, or several side by side."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from imagery import retrieval, retrieval_table
from imagery.exports import csv_response
from imagery.models import Event, RetrievalRun
from imagery.views import query

PAGE = 40
AT_MOST = 4


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """`run` once or more: the tables to show, the newest by default; `sort`, `before`."""
    _open_to(request)
    stored = RetrievalRun.objects.select_related("user")
    before = query.whole(request, "before", 0, 0, 10**18)
    listed = list((stored.filter(pk__lt=before) if before else stored)[: PAGE + 1])
    chosen = _chosen(request) or list(stored[:1])
    sort = query.choice(request, "sort", retrieval_table.SORTS)
    lines = retrieval_table.table(chosen, sort)
    context = {
        "runs": [(run, retrieval_table.best(run)) for run in listed[:PAGE]],
        "before": listed[PAGE - 1].pk if len(listed) > PAGE else None,
        "chosen": chosen,
        "asked": "".join(f"run={run.pk}&" for run in chosen),
        "lines": lines,
        "notes": list(dict.fromkeys(line.note for line in lines if line.note)),
        "sort": sort,
        "several": len(chosen) > 1,
        "same_files": len({run.digest for run in chosen}) == 1,
        "paper": any(run.naming == "holidays" for run in chosen),
        "holidays": (retrieval.HOLIDAYS_IMAGES, retrieval.HOLIDAYS_QUERIES),
        "decoding_ms": [1000 * run.parameters["decoding_s"] for run in chosen],
        "at_most": AT_MOST,
        "names_of": {run.pk for run in chosen if _may_read_names(request, run)},
    }
    return render(request, "imagery/retrieval.html", context)


@require_GET
def table_csv(request: HttpRequest, run_id: int) -> StreamingHttpResponse:
    _open_to(request)
    run = get_object_or_404(RetrievalRun, pk=run_id)
    rows = retrieval_table.csv_rows(run)
    return csv_response(f"retrieval-{run.pk}", retrieval_table.CSV, rows)


def _open_to(request: HttpRequest) -> None:
    """Runs hold no pictures of events: whoever may see an event, or administers, sees them."""
    user = cast(User, request.user)
    if not user.is_staff and not Event.objects.visible_to(user).exists():
        raise Http404("no retrieval")


def _may_read_names(request: HttpRequest, run: RetrievalRun) -> bool:
    user = cast(User, request.user)
    return user.is_staff or run.user_id == user.pk


def _chosen(request: HttpRequest) -> list[RetrievalRun]:
    """The runs asked for, in that order. Raises Http404 for one that is not there."""
    asked = dict.fromkeys(request.GET.getlist("run"))
    numbers = [int(text) for text in asked if text.isascii() and text.isdigit() and len(text) < 19]
    found = RetrievalRun.objects.select_related("user").in_bulk(numbers[:AT_MOST])
    if len(found) < min(len(asked), AT_MOST):
        raise Http404("no such run")
    return [found[number] for number in numbers[:AT_MOST]]

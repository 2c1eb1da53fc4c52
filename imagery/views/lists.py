"""Lists of known hashes: brought in, named, switched, removed; and the pictures they know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imagery import known, pictures, tasks
from imagery.access import event_for
from imagery.exports import csv_response
from imagery.known_forms import FileForm, ListForm, NewListForm
from imagery.models import Event, HashList, KnownMatch, Role, UniqueImage
from imagery.views import query

SHOWN = 12
PAGE = 60
WORKING = (HashList.State.QUEUED, HashList.State.READING)


@dataclass(frozen=True, slots=True)
class Told:
    """A list with how many pictures it knows, and the most posted of them."""

    row: HashList
    n_pictures: int
    cards: list[pictures.Card]

    @property
    def is_busy(self) -> bool:
        return self.row.state in WORKING


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """POST brings a new list in."""
    event = event_for(request, slug, may="edit" if request.method == "POST" else "see")
    posted = request.method == "POST"
    form = NewListForm(
        request.POST if posted else None, request.FILES if posted else None, event=event
    )
    if posted and form.is_valid():
        known.accept(form.instance, form.cleaned_data["file"], request.user)
        tasks.take_list.delay_on_commit(form.instance.pk)
        return redirect("imagery:lists", event.slug)
    context = {
        "event": event,
        "tab": "lists",
        "form": form,
        "lists": (lists := _told(event)),
        "busy": any(told.is_busy for told in lists),
        "may_edit": _may_edit(event, request),
    }
    return render(request, "imagery/lists.html", context, status=422 if form.errors else 200)


def _told(event: Event) -> list[Told]:
    """Four queries, however many lists."""
    rows = list(event.hash_lists.select_related("user"))
    found = KnownMatch.objects.filter(known__hash_list__in=rows, image__unique__isnull=False)
    counts = dict(
        found.values_list("known__hash_list").annotate(n=Count("image__unique", distinct=True))
    )
    place = Window(RowNumber(), partition_by="known__hash_list", order_by="image__unique__rank")
    best = (
        found.values("known__hash_list", "image__unique", "image__unique__rank")
        .annotate(n=Count("pk"))
        .annotate(place=place)
        .filter(place__lte=SHOWN)
        .values_list("known__hash_list", "image__unique")
    )
    shown: dict[int, list[int]] = {}
    for pk, unique in best:
        shown.setdefault(pk, []).append(unique)
    made = pictures.cards(event, sorted({pk for ids in shown.values() for pk in ids}))
    cards = {card.id: card for card in made}
    return [
        Told(row, counts.get(row.pk, 0), [cards[i] for i in shown.get(row.pk, []) if i in cards])
        for row in rows
    ]


def _may_edit(event: Event, request: HttpRequest) -> bool:
    return event.role_of(request.user) in (Role.OWNER, Role.ANALYST)


@require_safe
def one(request: HttpRequest, slug: str, list_id: int) -> HttpResponse:
    """The pictures that a list knows, most posted first; ?after= a rank."""
    event, row = _list(request, slug, list_id)
    after = query.whole(request, "after", 0, 0, 10**9)
    found = UniqueImage.objects.filter(event=event, pk__in=known.marked(event, row.pk))
    held = list(pictures.for_cards(found.filter(rank__gt=after).order_by("rank", "pk"))[: PAGE + 1])
    context = {
        "event": event,
        "tab": "lists",
        "list": row,
        "cards": pictures.cards_of(event, held[:PAGE]),
        "after": held[PAGE - 1].rank if len(held) > PAGE else None,
    }
    if query.wants_part(request):
        return query.part(render(request, "imagery/_list_pictures.html", context))
    context |= {"n_pictures": found.count(), "may_edit": _may_edit(event, request)}
    return query.part(render(request, "imagery/list.html", context))


def _list(
    request: HttpRequest, slug: str, list_id: int, may: str = "see"
) -> tuple[Event, HashList]:
    event = event_for(request, slug, may=may)
    return event, get_object_or_404(HashList, pk=list_id, event=event)


@require_POST
def add(request: HttpRequest, slug: str, list_id: int) -> HttpResponse:
    """More lines for the list."""
    event, row = _list(request, slug, list_id, may="edit")
    form = FileForm(request.POST, request.FILES)
    if row.state in WORKING:
        messages.error(request, f"{row.name} is being read: wait until it is done.")
    elif not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["file"])))
    else:
        known.accept(row, form.cleaned_data["file"], request.user)
        tasks.take_list.delay_on_commit(row.pk)
    return redirect("imagery:lists", event.slug)


@require_POST
def change(request: HttpRequest, slug: str, list_id: int) -> HttpResponse:
    """Name and action."""
    event, row = _list(request, slug, list_id, may="edit")
    form = ListForm(request.POST, instance=row, event=event)
    if form.is_valid():
        HashList.objects.filter(pk=row.pk).update(**form.cleaned_data)
        known.changed(event.pk)
        messages.success(request, f"{form.cleaned_data['name']}: changed.")
    else:
        messages.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
    return redirect("imagery:lists", event.slug)


@require_POST
def remove(request: HttpRequest, slug: str, list_id: int) -> HttpResponse:
    event, row = _list(request, slug, list_id, may="edit")
    known.drop(row)
    messages.success(request, f"{row.name} is removed, and its marks with it.")
    return redirect("imagery:lists", event.slug)


@require_safe
def hashes_csv(request: HttpRequest, slug: str, list_id: int) -> StreamingHttpResponse:
    """The list as it can be brought in again."""
    event, row = _list(request, slug, list_id)
    rows = row.hashes.order_by("pk").values_list("pdq", "quality", "name").iterator(5000)
    return csv_response(f"{event.slug}-list-{row.pk}", ("hash", "quality", "name"), rows)


@require_safe
def matches_csv(request: HttpRequest, slug: str, list_id: int) -> StreamingHttpResponse:
    event, row = _list(request, slug, list_id)
    header = (
        "picture", "rank", "posts", "first_posted_at", "sha256", "pdq", "bits", "known_pdq",
        "known_name",
    )  # fmt: skip
    return csv_response(f"{event.slug}-list-{row.pk}-matches", header, _matches(row))


def _matches(row: HashList) -> Iterator[tuple[object, ...]]:
    found = KnownMatch.objects.filter(known__hash_list=row, image__unique__isnull=False)
    fields = (
        "image__unique", "image__unique__rank", "image__n_posts", "image__first_posted_at",
        "image__sha256", "image__pdq", "distance", "known__pdq", "known__name",
    )  # fmt: skip
    rows = found.order_by("image__unique__rank", "distance", "pk").values_list(*fields)
    return rows.iterator(5000)

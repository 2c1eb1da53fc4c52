"""A look-up as one viewer may see it: ids become pictures of events that the viewer sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from imagery import histories, pictures
from imagery.models import Event, Image, LookUp, Post, UniqueImage

TITLES = {
    "exact": ("The same file", "Byte for byte."),
    "near": (
        "Near copies",
        "Fewer bits of their perceptual hashes differ than the events’ own threshold.",
    ),
    "versions": (
        "Other versions",
        "Proven by geometry, then by pixels: crops, borders, captions, mirrors.",
    ),
    "differs": (
        "The same but for a part",
        "Found by geometry, yet something in it is another: a text, a face, a crowd.",
    ),
    "alike": ("Alike", "What looks most like it; on the corner: similarity, 1 / (1 + distance)."),
}


SEEN = frozenset(("exact", "near", "versions"))  # found that way, it is the picture itself
OURS = frozenset(("image", "hash"))  # kinds whose small copy is of a file that an event holds


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture found: by one of its files, and how near that is."""

    event: Event
    card: pictures.Card
    image: Image
    note: str
    how: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One way of being found. Hits nearest first; `by_event` in the events' order of nearness."""

    name: str
    title: str
    words: str
    hits: list[Hit]

    @property
    def by_event(self) -> list[tuple[Event, list[Hit]]]:
        events: dict[int, tuple[Event, list[Hit]]] = {}
        for hit in self.hits:
            events.setdefault(hit.event.pk, (hit.event, []))[1].append(hit)
        return list(events.values())


@dataclass(frozen=True, slots=True)
class First:
    """The earliest post that shows the picture, any version of it."""

    event: Event
    card: pictures.Card
    at: datetime
    post: Post | None


@dataclass(frozen=True, slots=True)
class Answer:
    sections: list[Section]
    first: First | None
    n_posts: int
    n_images: int
    events: list[Event]
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_seen(self) -> bool:
        """Whether the picture itself was found, and not just others like it."""
        return any(section.hits for section in self.sections if section.name in SEEN)

    @property
    def covered_by(self) -> str:
        """Names of block lists that know it."""
        hits = [hit for section in self.sections if section.name in SEEN for hit in section.hits]
        return next((hit.card.covered_by for hit in hits if hit.card.covered_by), "")


def visible(key: str, user: Any) -> LookUp:
    """The look-up, if the person may see it: it is theirs, or they see its event, or, where it
    went through all events of its owner, one of those. What shows a file of an event is for those
    who see an event with that file, its owner too. Raises Http404."""
    row = LookUp.objects.filter(key=key).select_related("event", "user").first()
    if row is not None:
        own = Event.objects.visible_to(user)
        if row.event_id is not None:
            seen = own.filter(pk=row.event_id).exists()
        elif row.user_id == user.pk:
            seen = own.exists()
        else:
            seen = own.filter(pk__in=Event.objects.visible_to(row.user).values("pk")).exists()
        if seen and (row.kind not in OURS or not row.width or _sees_file(row, own)):
            return row
    raise Http404(f"no look-up {key!r}")


def _sees_file(row: LookUp, events: QuerySet[Event]) -> bool:
    return Image.objects.filter(event__in=events, sha256=row.sha256).exists()


def answer(row: LookUp, user: Any) -> Answer:
    """What the viewer may see of what was found, as the sets are now."""
    found = row.found
    held = {int(pk): n for pk, n in found.get("events", {}).items()}
    events = {e.pk: e for e in Event.objects.visible_to(user).filter(pk__in=held)}
    told = {name: found.get(name, []) for name in TITLES}
    ids = {one if name == "exact" else one[0] for name, rows in told.items() for one in rows}
    images = _images(ids, events)
    cards = _cards(images.values(), events)
    taken: set[int] = set()
    sections = []
    for name, (title, words) in TITLES.items():
        if name in found:
            hits = _hits(name, told[name], images, cards, events, taken)
            sections.append(Section(name, title, words, hits))
    first, n_posts = _first([hit for s in sections if s.name in SEEN for hit in s.hits])
    n_images = sum(n for pk, n in held.items() if pk in events)
    # Notes name events, and tell what is in them.
    notes = found.get("notes", {}) if events.keys() == held.keys() else {}
    return Answer(sections, first, n_posts, n_images, list(events.values()), notes)


def _images(ids: Iterable[int], events: dict[int, Event]) -> dict[int, Image]:
    rows = Image.objects.filter(pk__in=list(ids), event__in=events, unique__isnull=False)
    return {row.pk: row for row in rows.only("sha256", "event", "unique")}


def _cards(images: Iterable[Image], events: dict[int, Event]) -> dict[int, pictures.Card]:
    wanted: dict[int, list[int]] = {}
    for image in images:
        if image.unique_id is not None:
            wanted.setdefault(image.event_id, []).append(image.unique_id)
    rows = pictures.for_cards(
        UniqueImage.objects.filter(pk__in=[pk for ids in wanted.values() for pk in ids])
    )
    of_event: dict[int, list[UniqueImage]] = {}
    for row in rows:
        of_event.setdefault(row.event_id, []).append(row)
    return {
        card.id: card
        for pk, held in of_event.items()
        for card in pictures.cards_of(events[pk], held)
    }


def _hits(
    name: str,
    rows: list[Any],
    images: dict[int, Image],
    cards: dict[int, pictures.Card],
    events: dict[int, Event],
    taken: set[int],
) -> list[Hit]:
    """Each unique image once over all sections: by its nearest file in the strongest of them."""
    hits = []
    for one in rows:
        values = [one] if name == "exact" else one
        image = images.get(values[0])
        unique = image.unique_id if image else None
        if image is None or unique is None or unique in taken or unique not in cards:
            continue
        taken.add(unique)
        how = HOW[name](*values[1:])
        note = str(how.pop("note"))
        hits.append(Hit(events[image.event_id], cards[unique], image, note, how))
    return hits


def _same() -> dict[str, Any]:
    return {"note": "same file"}


def _near(phash: int | None, pdq: int | None) -> dict[str, Any]:
    """The note says the nearer of the two."""
    told = []
    if phash is not None:
        told.append(f"{phash} bit{'' if phash == 1 else 's'}")
    elif pdq is not None:
        told.append(f"PDQ {pdq} bit{'' if pdq == 1 else 's'}")
    return {"note": " · ".join(told) or "same shade", "bits": phash, "pdq_bits": pdq}


def _version(kind: str, inliers: int | None = None) -> dict[str, Any]:
    return {"note": kind, "kind": kind, "inliers": inliers}


def _like(similarity: float) -> dict[str, Any]:
    return {"note": f"{similarity:.2f}", "similarity": similarity}


HOW: dict[str, Callable[..., dict[str, Any]]] = {
    "exact": _same,
    "near": _near,
    "versions": _version,
    "differs": _version,
    "alike": _like,
}


def _first(hits: list[Hit]) -> tuple[First | None, int]:
    """The earliest showing of any of them, and posts of all."""
    dated = [(hit.card.first_posted_at, hit) for hit in hits if hit.card.first_posted_at]
    if not dated:
        return None, 0
    at, hit = min(dated, key=lambda one: (one[0], one[1].card.id))
    post = next(iter(histories.post_page(UniqueImage(pk=hit.card.id), limit=1).posts), None)
    return First(hit.event, hit.card, at, post), sum(hit.card.n_posts for hit in hits)

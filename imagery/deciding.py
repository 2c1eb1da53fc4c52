"""People's decisions about pictures: made, taken back, listed; what they ask of the sets."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from imagery import marks
from imagery.models import Decision, Event, Image, Job, Stage, UniqueImage

Kind = Decision.Kind
PAIRS = (Kind.SAME, Kind.DIFFERENT)
# Where the pass begins that puts a decision into effect; a name needs none.
BEGINS: dict[str, Stage | None] = {Kind.APART: Stage.GROUP, Kind.NAME: None}
LONGEST_NAME = 120


class Refused(ValueError):
    """A decision that cannot be; its message is for the person."""


def decide(
    event: Event,
    user: Any,
    kind: str,
    image: Image,
    other: Image | None = None,
    text: str = "",
) -> Decision:
    """Keep what the person says, in place of what was said of the same thing before.

    Saying the same again changes nothing. The sets follow by the next pass, which is asked for;
    names and moves out of groups show at once. Raises Refused.
    """
    said = Decision(event=event, user=user, **_checked(event, kind, image, other, text))
    try:
        made, is_new = _keep(said)
    except IntegrityError:  # somebody else decided the same thing this very moment
        said.pk = None
        made, is_new = _keep(said)
    if is_new:
        _take_effect(event, made.kind)
    return made


def _checked(
    event: Event, kind: str, image: Image, other: Image | None, text: str
) -> dict[str, Any]:
    """Fields of the decision. Raises Refused."""
    if kind not in Kind.values:
        raise Refused(f"{kind!r} is no decision; known are {', '.join(Kind.values)}.")
    for one in (image, other):
        if one is not None and one.event_id != event.pk:
            raise Refused(f"Image {one.pk} is not of this event.")
    if (other is not None) != (kind in PAIRS):
        want = "a second image" if kind in PAIRS else "no second image"
        raise Refused(f"{Kind(kind).label!r} takes {want}.")
    if other is not None and other.pk == image.pk:
        raise Refused("An image is the same as itself; name two images.")
    name = " ".join(text.split())
    if kind == Kind.NAME and not (name and name.isprintable() and len(name) <= LONGEST_NAME):
        raise Refused(f"A name has 1 to {LONGEST_NAME} characters that can be printed.")
    if kind != Kind.NAME and name:
        raise Refused("Only a name takes text.")
    first, second = image, other
    if second is not None and second.pk < first.pk:
        first, second = second, first
    return {"kind": kind, "image": first, "other": second, "text": name}


@transaction.atomic
def _keep(said: Decision) -> tuple[Decision, bool]:
    """The decision as it stands, and whether it is a new one."""
    before = list(_about_the_same(said).select_for_update())
    if before and not _is_news(said, before[0]):
        return before[0], False
    now = timezone.now()
    Decision.objects.filter(pk__in=[old.pk for old in before]).update(
        undone_at=now, undone_by=said.user
    )
    said.save()
    # The same moment to the microsecond tells, should this be undone, what it replaced.
    Decision.objects.filter(pk__in=[old.pk for old in before]).update(undone_at=said.made_at)
    return said, True


def _about_the_same(said: Decision) -> QuerySet[Decision]:
    same = Decision.objects.active().filter(image=said.image, other=said.other)
    return same if said.kind in PAIRS else same.filter(kind=said.kind)


def _is_news(said: Decision, held: Decision) -> bool:
    if said.kind == Kind.REPRESENTS:  # of several in one set the latest holds
        latest = of_set(held.image.unique_id, Kind.REPRESENTS).first()
        return latest is not None and latest.pk != held.pk
    return (said.kind, said.text) != (held.kind, held.text)


def undo(event: Event, user: Any, decision: Decision) -> Decision:
    """Take a decision back; what it replaced holds again. One that is undone stays as it is."""
    with transaction.atomic():
        undone = (
            Decision.objects.active()
            .filter(event=event, pk=decision.pk)
            .update(undone_at=timezone.now(), undone_by=user)
        )
        if undone:
            _replaced_by(decision).update(undone_at=None, undone_by=None)
    decision.refresh_from_db()
    if undone:
        _take_effect(event, decision.kind)
    return decision


def _replaced_by(decision: Decision) -> QuerySet[Decision]:
    return Decision.objects.filter(
        event=decision.event_id,
        image=decision.image_id,
        other=decision.other_id,
        undone_at=decision.made_at,
        pk__lt=decision.pk,
    )


def take_back(event: Event, user: Any, kind: str, unique: UniqueImage) -> int:
    """Undo every decision of that kind about the unique image's files. Returns how many."""
    held = list(of_set(unique.pk, kind).filter(event=event))
    for decision in held:
        undo(event, user, decision)
    return len(held)


def of_set(unique_id: int | None, kind: str) -> QuerySet[Decision]:
    """Active decisions of that kind about the files of a unique image, the latest first."""
    found = Decision.objects.active().filter(kind=kind, image__unique=unique_id)
    return found.exclude(image__unique=None).order_by("-pk")


def of_pair(image_id: int, other_id: int) -> Decision | None:
    """What holds about the pair, whichever comes first."""
    low, high = sorted((image_id, other_id))
    return Decision.objects.active().filter(image=low, other=high).select_related("user").first()


def history(event: Event) -> QuerySet[Decision]:
    """Every decision, undone ones too, the latest first."""
    related = ("image__unique", "other__unique", "user", "undone_by")
    return Decision.objects.filter(event=event).select_related(*related).order_by("-pk")


def being_applied(event: Event) -> bool:
    """Whether the sets do not follow yet from what was last decided or undone."""
    kinds = (*PAIRS, Kind.REPRESENTS)
    times = Decision.objects.filter(event=event, kind__in=kinds).aggregate(
        made=Max("made_at"), undone=Max("undone_at")
    )
    latest = max((at for at in times.values() if at), default=None)
    if latest is None:
        return False
    jobs = Job.objects.filter(event=event, stage=Stage.DEDUP, state=Job.State.DONE)
    read = jobs.order_by("-pk").first()
    if read is None or read.started_at is None or read.started_at < latest:
        return True
    counted = Event.objects.values_list("organised_at", flat=True).get(pk=event.pk)
    return counted is None or counted < read.started_at


def _take_effect(event: Event, kind: str) -> None:
    from imagery import pipeline  # loads every stage: only when work is to be started

    marks.apply(event)
    begin = BEGINS.get(kind, Stage.DEDUP)
    if begin is not None:
        pipeline.start(event.pk, begin)

"""What is not to be kept: posts too old, or gone at their source, and all that only they held.

Posts go in parts, each with its readings, and with the accounts and links that no other post has.
Their pictures go in the pass that follows, where nothing else has the event's pictures in hand;
files go where no event holds them. Killed anywhere, the next run goes on from the rows.

A person's decision about a picture that goes passes to the one that stands in for it in its set;
where the whole set goes, the decision goes with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from imagery import heirs, ingest, locks, orphans, text_index
from imagery.models import (
    Account,
    Event,
    Image,
    Leftover,
    Link,
    Post,
    PostLink,
    Purge,
    Reading,
    Stage,
)

log = logging.getLogger(__name__)

PART = 1000  # posts, and images, deleted at once


@dataclass(frozen=True, slots=True)
class Policy:
    """Which posts go: those posted before a time, those gone at their source, or both."""

    before: datetime | None = None
    gone: bool = False

    def __bool__(self) -> bool:
        return self.before is not None or self.gone

    def condition(self, path: str = "") -> Q:
        """On posts; path leads to them, as "post__"."""
        found = Q(pk__in=())
        if self.before is not None:
            found |= Q(**{f"{path}posted_at__lt": self.before})
        if self.gone:
            found |= ~Q(**{f"{path}gone": ""})
        return found


@dataclass(frozen=True, slots=True)
class Count:
    """What a policy deletes."""

    n_posts: int
    n_accounts: int
    n_links: int
    n_images: int


def policy_of(event: Event, now: datetime | None = None) -> Policy:
    """As the event's settings say; false where they keep all."""
    before = None
    if event.keep_days is not None:
        before = (now or timezone.now()) - timedelta(days=event.keep_days)
    return Policy(before, event.purge_gone)


def posts(event: Event, policy: Policy) -> QuerySet[Post]:
    return event.posts.filter(policy.condition())


def count(event: Event, policy: Policy) -> Count:
    """What would go, exactly; reads the links of all such posts, and deletes nothing."""
    going = posts(event, policy)
    carried = PostLink.objects.filter(link=OuterRef("pk"))
    links = event.links.filter(
        Exists(carried.filter(policy.condition("post__"))),
        ~Exists(carried.exclude(policy.condition("post__"))),
    )
    shown = Link.objects.filter(image=OuterRef("pk")).exclude(pk__in=links.values("pk"))
    own = Post.objects.filter(account=OuterRef("pk"))
    accounts = event.accounts.filter(
        Exists(own.filter(policy.condition())), ~Exists(own.exclude(policy.condition()))
    )
    return Count(
        n_posts=going.count(),
        n_accounts=accounts.count(),
        n_links=links.count(),
        n_images=event.images.filter(~Exists(shown)).count() if going.exists() else 0,
    )


# Posts ---------------------------------------------------------------------------------------


def purge(
    event: Event,
    policy: Policy,
    user: Any = None,
    progress: Callable[[Purge], object] | None = None,
) -> Purge | None:
    """Delete the posts that the policy names, then ask for a pass that deletes their pictures.

    What an earlier run left is finished first. Returns the record of it, None where nothing went.
    """
    for left in Purge.objects.filter(event=event, posts_at=None):
        _go_on(event, left, progress)
    if not posts(event, policy).exists():
        return None
    made = Purge.objects.create(event=event, user=user, before=policy.before, gone=policy.gone)
    return _go_on(event, made, progress)


def purge_all() -> int:
    """Purge every event as its settings say; files left by a killed run go too. For daily use.

    Returns how many posts went.
    """
    n = 0
    wants = Q(keep_days__isnull=False) | Q(purge_gone=True) | Q(purges__posts_at=None)
    for event in Event.objects.filter(wants).distinct():
        made = purge(event, policy_of(event))
        n += made.n_posts if made else 0
    drop_leftovers()
    return n


def _go_on(event: Event, made: Purge, progress: Callable[[Purge], object] | None) -> Purge:
    from imagery import pipeline  # loads every stage

    last = 0
    while last := _purge_part(event, made, after=last):
        if progress:
            made.refresh_from_db()
            progress(made)
    _drop_uploads(event, made)
    with transaction.atomic():
        Purge.objects.filter(pk=made.pk).update(posts_at=timezone.now())
        pipeline.start(event.pk, Stage.VERSIONS)
    made.refresh_from_db()
    log.warning(
        "purged event %s: %s posts, %s accounts, %s links",
        event.slug, made.n_posts, made.n_accounts, made.n_links,
        extra={"event": event.pk, "purge": made.pk},
    )  # fmt: skip
    return made


@transaction.atomic
def _purge_part(event: Event, made: Purge, after: int) -> int:
    """Delete some of the posts whose ids are greater, with what they alone held.

    Returns the last one's id, 0 where there is none.
    """
    locks.deleting(event.pk)
    wanted = posts(event, Policy(made.before, made.gone)).filter(pk__gt=after).order_by("pk")
    held = dict(wanted.values_list("pk", "account_id")[:PART])
    if not held:
        return 0
    ids = list(held)
    carried = PostLink.objects.filter(post__in=ids)
    links = set(carried.values_list("link_id", flat=True))
    text_index.forget(event.pk, ids)
    for rows in (Reading.objects.filter(post__in=ids), carried, Post.objects.filter(pk__in=ids)):
        _delete(rows)
    n_links = n_accounts = 0
    for part in parts(sorted(links)):
        n_links += _delete(Link.objects.filter(pk__in=part, postlink=None))
    for part in parts(sorted({pk for pk in held.values() if pk is not None})):
        n_accounts += _delete(Account.objects.filter(pk__in=part, posts=None))
    Purge.objects.filter(pk=made.pk).update(
        part=F("part") + 1,
        n_posts=F("n_posts") + len(ids),
        n_links=F("n_links") + n_links,
        n_accounts=F("n_accounts") + n_accounts,
    )
    return ids[-1]


def _delete(rows: QuerySet[Any]) -> int:
    """Delete rows that nothing refers to, without reading them first."""
    ids = list(rows.values_list("pk", flat=True))
    n = 0
    for part in parts(ids):
        found = rows.model._default_manager.filter(pk__in=part)
        n += found._raw_delete(found.db)
    return n


def parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), PART):
        yield ids[start : start + PART]


def _drop_uploads(event: Event, made: Purge) -> None:
    """Files as they were imported, where nothing of an import from before then is left."""
    if made.before is None:
        return
    imports = event.imports.filter(finished_at__lt=made.before, posts=None, links=None)
    for row in imports.distinct():
        ingest.drop_files(row)


# Pictures ------------------------------------------------------------------------------------


def drop_images(event: Event) -> int:
    """Delete the images that purges left without a link; returns how many.

    For the pass that sorts the event's pictures into sets, before it does.
    """
    waiting = Purge.objects.filter(event=event, finished_at=None).exclude(posts_at=None)
    last = waiting.order_by("-pk").first()
    if last is None:
        return 0
    n = 0
    while dropped := _drop_part(event):
        n += dropped
        Purge.objects.filter(pk=last.pk).update(n_images=F("n_images") + dropped)
    n_files = drop_leftovers()
    Purge.objects.filter(pk=last.pk).update(n_files=F("n_files") + n_files)
    waiting.filter(pk__lte=last.pk).update(finished_at=timezone.now())
    return n


@transaction.atomic
def _drop_part(event: Event) -> int:
    bare = event.images.filter(links=None).order_by("pk")
    held = dict(bare.values_list("pk", "sha256")[:PART])
    if not held:
        return 0
    heirs.pass_on(event, held)
    Leftover.objects.bulk_create(
        [Leftover(sha256=sha256) for sha256 in held.values()], ignore_conflicts=True
    )
    Image.objects.filter(pk__in=held).delete()
    return len(held)


def drop_leftovers() -> int:
    """Delete the files whose images were deleted and that no event holds. Returns how many."""
    n = 0
    while some := list(Leftover.objects.values_list("pk", flat=True)[:PART]):
        n += orphans.drop(some)
        Leftover.objects.filter(pk__in=some).delete()
    return n


def last_purges(event: Event, n: int = 10) -> Iterable[Purge]:
    """What was deleted, the latest first."""
    return Purge.objects.filter(event=event).select_related("user").order_by("-pk")[:n]

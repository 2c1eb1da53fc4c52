"""An event's rows as tables to take away: one entry a table, each streamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F, Model, QuerySet

from imagery import groups, post_table
from imagery.models import Event, Gap, Image, Reading, UniqueImage

Rows = Iterator[Sequence[object]]
CHUNK = 2000
SHOWN = 200  # members named of a group


@dataclass(frozen=True, slots=True)
class Table:
    """`may`: who may have it, as for `access.event_for`."""

    label: str
    about: str
    header: tuple[str, ...]
    rows: Callable[[Event], Rows]
    may: str = "see"


def _fields(rows: QuerySet[Model], *names: str) -> Rows:
    yield from rows.values_list(*names).iterator(chunk_size=CHUNK)


def events(found: Iterable[Event]) -> Rows:
    """Under EVENTS."""
    for event in found:
        yield [getattr(event, name) for name in EVENTS]


EVENTS = (
    "slug", "name", "timezone", "is_made", "created_at", "n_posts", "n_image_posts", "n_links",
    "n_images", "n_unique", "n_groups", "n_failed_links", "n_accounts", "first_posted_at",
    "last_posted_at", "dedup_threshold", "copies", "similarity", "backbone", "layer", "embedder",
    "organised_at",
)  # fmt: skip
IMPORTS = (
    "filename", "format", "state", "n_bytes", "n_read", "n_new", "n_updated", "n_unchanged",
    "n_left_out", "n_bad", "reason", "created_at", "started_at", "finished_at",
)  # fmt: skip
ACCOUNTS = (
    "platform", "uid", "handle", "name", "followers", "following", "n_posts", "created_at",
    "verified", "location",
)  # fmt: skip
LINKS = (
    "url", "state", "n_posts", "first_posted_at", "kind", "reason", "attempts", "fetched_at",
    "final_url", "alt",
)  # fmt: skip
FILES = (
    "sha256", "n_bytes", "format", "width", "height", "frames", "truncated", "phash", "pdq",
    "pdq_quality", "hash_version", "brightness", "contrast", "sharpness", "is_blank", "is_dark",
    "is_blurry", "is_tiny", "embedder", "n_posts", "first_posted_at", "distance", "looked_at",
    "failed_at", "reason",
)  # fmt: skip
PICTURES = (
    "picture", "rank", "sha256", "posts", "files", "links", "accounts", "first_posted_at",
    "last_posted_at", "peak_at", "growth", "group", "group_name", "apart", "looks_like",
    "described", "hashtags",
)  # fmt: skip
GROUPS = (
    "group", "place", "posts", "pictures", "best_rank", "worst_rank", "mean_rank",
    "first_posted_at", "last_posted_at", "name", "first_pictures",
)  # fmt: skip
COLLECTIONS = (
    "name", "source", "state", "n_seen", "n_kept", "n_new", "n_bad", "seen_at", "heard_at",
    "connected_at", "error", "error_at", "starts_at", "stops_at", "created_at",
)  # fmt: skip
GAPS = (
    "begins_at", "ends_at", "state", "reason", "outcome", "n_new", "n_tries", "tried_at",
)  # fmt: skip
READINGS = (
    "day", "due_at", "read_at", "state", "likes", "reposts", "comments", "views", "followers",
)  # fmt: skip
JOBS = (
    "stage", "state", "n_total", "n_done", "n_failed", "message", "created_at", "started_at",
    "finished_at",
)  # fmt: skip


def _posts(event: Event) -> Rows:
    for post in event.posts.selected().select_related("account").order_by("pk").iterator(CHUNK):
        yield post_table.csv_row(post)


def _links(event: Event) -> Rows:
    rows = event.links.order_by("pk")
    return _fields(rows, *LINKS, "image__sha256", "image__unique_id")


def _files(event: Event) -> Rows:
    return _fields(Image.objects.filter(event=event).order_by("pk"), *FILES, "unique_id")


def _pictures(event: Event) -> Rows:
    rows = UniqueImage.objects.filter(event=event).select_related("representative")
    for row in rows.order_by("rank", "pk").iterator(chunk_size=CHUNK):
        yield [
            row.pk, row.rank, row.representative.sha256, row.n_posts, row.n_copies, row.n_links,
            row.n_accounts, row.first_posted_at, row.last_posted_at, row.peak_at, row.growth,
            row.group_id, row.name, row.apart,
            "; ".join(f"{name} {p:.3f}" for name, p in row.representative.top_classes),
            row.described, " ".join(f"{tag}:{n}" for tag, n in row.hashtags),
        ]  # fmt: skip


def groups_at(event: Event, theta: float | None = None) -> Rows:
    """Groups at similarity > theta, the event's own by default; under GROUPS."""
    found = groups.at(event, theta)
    named = dict(UniqueImage.objects.filter(event=event).exclude(name="").values_list("pk", "name"))
    for at in range(len(found)):
        members = found.members_of(at, SHOWN).tolist()
        yield [
            int(found.lead[at]), at + 1, int(found.n_posts[at]), int(found.n_members[at]),
            int(found.best_rank[at]), int(found.worst_rank[at]),
            round(float(found.mean_rank[at]), 3),
            datetime.fromtimestamp(int(found.first[at]), UTC),
            datetime.fromtimestamp(int(found.last[at]), UTC),
            next((named[pk] for pk in members if pk in named), None),
            " ".join(map(str, members)),
        ]  # fmt: skip


def _collections(event: Event) -> Rows:
    rows = (
        event.collections.prefetch_related("rules").order_by("pk").annotate(by=F("user__username"))
    )
    for row in rows:
        values = [getattr(row, name) for name in COLLECTIONS]
        options = json.dumps(row.options, ensure_ascii=False)
        told = "; ".join(f"{rule.kind}: {rule.value}" for rule in row.rules.all())
        yield [*values, options, told, " ".join(map(str, row.revisit_days)), row.by]


def _gaps(event: Event) -> Rows:
    rows = Gap.objects.filter(collection__event=event).order_by("begins_at", "pk")
    return _fields(rows, "collection__name", *GAPS)


def _readings(event: Event) -> Rows:
    rows = Reading.objects.filter(post__event=event).order_by("post", "day")
    return _fields(rows, "post__platform", "post__uid", "post__posted_at", *READINGS)


def _members(event: Event) -> Rows:
    rows = event.memberships.order_by("pk")
    return _fields(rows, "user__username", "role", "created_at")


TABLES: dict[str, Table] = {
    "posts": Table("Posts", "every post the rules select", post_table.FIELDS, _posts),
    "accounts": Table(
        "Accounts", "who posted", ACCOUNTS,
        lambda event: _fields(event.accounts.order_by("pk"), *ACCOUNTS),
    ),
    "links": Table(
        "Links", "addresses of pictures, and what became of them", (*LINKS, "sha256", "picture"),
        _links,
    ),
    "files": Table(
        "Files", "distinct files with hashes and quality", (*FILES, "picture"), _files
    ),
    "pictures": Table("Unique pictures", "by rank, copies counted as one", PICTURES, _pictures),
    "groups": Table("Groups", "at the event’s own similarity", GROUPS, groups_at),
    "imports": Table(
        "Imports", "files brought in", (*IMPORTS, "by"),
        lambda event: _fields(event.imports.annotate(by=F("user__username")), *IMPORTS, "by"),
    ),
    "collections": Table(
        "Collections", "what is taken in live", (*COLLECTIONS, "options", "rules", "days", "by"),
        _collections,
    ),
    "gaps": Table(
        "Gaps", "when a collection heard nothing, and what was done", ("collection", *GAPS), _gaps
    ),
    "readings": Table(
        "Readings", "engagement of posts read again, by age in days",
        ("platform", "id", "posted_at", *READINGS), _readings,
    ),
    "jobs": Table("Jobs", "work done", JOBS, lambda event: _fields(event.jobs.all(), *JOBS)),
    "rules": Table(
        "Rules", "which posts count", ("kind", "value", "created_at"),
        lambda event: _fields(event.rules.all(), "kind", "value", "created_at"),
    ),
    "members": Table(
        "Members", "who may see the event", ("name", "role", "since"), _members, may="own"
    ),
}  # fmt: skip

"""How a picture changed as it spread: the versions of one unique image, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, Count, F, Func, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from imagery import placing, version_names
from imagery.core import placements, sparkline
from imagery.models import Decision, Event, Image, PostLink, UniqueImage

FOLD_ABOVE = 24  # files: beyond, near copies are told as one version with their number
BINS = 48
WIDTH, HEIGHT = 96.0, 20.0
_KEY = Coalesce("near_id", "pk")


@dataclass(frozen=True, slots=True)
class Version:
    """One file, or one with its near copies, against the representative.

    by: what joined it to the set: "hash", "geometry", "people", "colour", or "" for the
    representative and where nothing tells. outline: corners in the representative as points of
    an SVG of 100 × 100, empty where it lies on the whole of it or nobody knows where.
    """

    image: Image
    name: str
    by: str
    found_in: Image | None  # where it was found, if not in the representative
    decision: Decision | None
    outline: str
    mirrored: bool
    n_files: int
    n_posts: int
    first_posted_at: datetime | None
    curve: str

    @property
    def n_near(self) -> int:
        return self.n_files - 1

    @property
    def glyph_box(self) -> str:
        """viewBox that shows both the outline and the representative, 0 0 100 100."""
        points = [tuple(map(float, pair.split(","))) for pair in self.outline.split()]
        low = [min(0.0, *(point[axis] for point in points)) - 6 for axis in (0, 1)]
        high = [max(100.0, *(point[axis] for point in points)) + 6 for axis in (0, 1)]
        return f"{low[0]:g} {low[1]:g} {high[0] - low[0]:g} {high[1] - low[1]:g}"

    @property
    def key(self) -> int:
        return placing.key_of(self.image)


@dataclass(frozen=True, slots=True)
class History:
    versions: list[Version]
    n_versions: int
    folded: bool


@dataclass(frozen=True, slots=True)
class _Fold:
    image: Image
    n_files: int
    first_posted_at: datetime | None


class _Seconds(Func):
    """Seconds since 1970 of a time, in the database."""

    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
        return super().as_sql(compiler, connection, template=template, **context)


def of(event: Event, unique: UniqueImage, limit: int, near: int | None = None) -> History:
    """The first `limit` versions; with `near` the near copies of that file alone, unfolded."""
    files = unique.copies.filter(Q(near=near) | Q(pk=near)) if near else unique.copies.all()
    n_files = files.count() if near else unique.n_copies
    folded = not near and n_files > FOLD_ABOVE
    folds = _folded(unique, limit) if folded else _files(files, limit)
    n_versions = _n_folds(unique) if folded and len(folds) == limit else None
    root = unique.representative
    ways = _ways(unique, root, folds)
    alone = unique.n_copies <= 1
    decisions = {} if alone else _decisions(event, unique)
    sources = _sources(ways, folds)
    growth = {} if alone else _growth(unique, [fold.image for fold in folds], folded)
    versions = [
        _version(event, root, fold, ways, decisions, sources, growth.get(_id(fold, folded)))
        for fold in folds
    ]
    total = n_versions or (len(versions) if folded else n_files)
    return History(versions, total, folded)


def joined_by(versions: Iterable[Version]) -> dict[str, int]:
    """Files by what joined them to the set; near copies of the representative by hash."""
    counts: dict[str, int] = {}
    for version in versions:
        if version.by:
            counts[version.by] = counts.get(version.by, 0) + version.n_files
        else:
            counts["hash"] = counts.get("hash", 0) + version.n_near
    return counts


def _id(fold: _Fold, folded: bool) -> int:
    return placing.key_of(fold.image) if folded else fold.image.pk


def _files(files: QuerySet[Image], limit: int) -> list[_Fold]:
    order = F("first_posted_at").asc(nulls_last=True)
    rows = files.defer("top_classes").order_by(order, "sha256")[:limit]
    return [_Fold(row, 1, row.first_posted_at) for row in rows]


def _folded(unique: UniqueImage, limit: int) -> list[_Fold]:
    """Each by the file that stands for it by hash; by another where that is in another set."""
    rows = list(
        unique.copies.annotate(key=_KEY)
        .values("key")
        .annotate(n=Count("pk"), first=Min("first_posted_at"), some=Min("pk"))
        .order_by(F("first").asc(nulls_last=True), "key")[:limit]
    )
    wanted = {pk for row in rows for pk in (row["key"], row["some"])}
    images = unique.copies.defer("top_classes").in_bulk(wanted)
    return [
        _Fold(images.get(row["key"]) or images[row["some"]], row["n"], row["first"]) for row in rows
    ]


def _n_folds(unique: UniqueImage) -> int:
    return unique.copies.annotate(key=_KEY).values("key").distinct().count()


def _ways(unique: UniqueImage, root: Image, folds: Sequence[_Fold]) -> dict[int, placing.Way]:
    keys = {placing.key_of(fold.image) for fold in folds}
    if keys <= {placing.key_of(root)}:
        return {}
    return placing.ways_to(placing.key_of(root), placing.matches_of(unique))


def _sources(ways: dict[int, placing.Way], folds: Sequence[_Fold]) -> dict[int, Image]:
    """Files in which versions were found, by key."""
    shown = {placing.key_of(fold.image): fold.image for fold in folds}
    wanted = {ways[key].found_in for key in shown if key in ways}
    missing = Image.objects.only("sha256", "near_id").in_bulk(wanted - shown.keys())
    return shown | missing


def _decisions(event: Event, unique: UniqueImage) -> dict[int, Decision]:
    """File → an active "same" of people that speaks of it."""
    rows = event.decisions.active().filter(
        Q(image__unique=unique) | Q(other__unique=unique), kind=Decision.Kind.SAME
    )
    found: dict[int, Decision] = {}
    for row in rows.select_related("user", "image", "other").order_by("pk"):
        for image in (row.image, row.other):
            if image is not None:
                found[image.pk] = found[placing.key_of(image)] = row
    return found


def _version(
    event: Event,
    root: Image,
    fold: _Fold,
    ways: dict[int, placing.Way],
    decisions: dict[int, Decision],
    sources: dict[int, Image],
    counts: np.ndarray | None,
) -> Version:
    image, key = fold.image, placing.key_of(fold.image)
    way = ways.get(key) if key != placing.key_of(root) else None
    name, by, decision = _told(event, root, image, way, decisions)
    source = sources.get(way.found_in) if way and way.n_steps > 1 else None
    placement = way.placement if way else None
    return Version(
        image=image,
        name=name,
        by=by,
        found_in=source,
        decision=decision,
        outline=outline(placement),
        mirrored=placement is not None and placements.is_mirrored(placement),
        n_files=fold.n_files,
        n_posts=int(counts.sum()) if counts is not None else 0,
        first_posted_at=fold.first_posted_at,
        curve=sparkline.steps(counts, WIDTH, HEIGHT) if counts is not None else "",
    )


def _told(
    event: Event,
    root: Image,
    image: Image,
    way: placing.Way | None,
    decisions: dict[int, Decision],
) -> tuple[str, str, Decision | None]:
    """What it is called, what joined it, and who decided."""
    if image.pk == root.pk:
        return "Representative", "", None
    if way is not None:
        return (
            version_names.by_match(way.kind, back=way.back, mirrored=way.mirrored),
            "geometry",
            None,
        )
    if image.is_blank and root.is_blank:
        return version_names.by_hash(image, root), "colour", None
    near = placing.key_of(image) == placing.key_of(root)
    if near or (image.distance is not None and image.distance < event.dedup_threshold):
        return version_names.by_hash(image, root), "hash", None
    decision = decisions.get(image.pk)
    if decision is not None:
        return "Called the same", "people", decision
    return "Version", "", None


def outline(placement: np.ndarray | None) -> str:
    """Corners as points of an SVG of 100 × 100; empty where there is nothing to see."""
    if placement is None or not placements.moves(placement):
        return ""
    return " ".join(f"{x * 100:.2f},{y * 100:.2f}" for x, y in placements.corners(placement))


def _growth(unique: UniqueImage, images: Sequence[Image], folded: bool) -> dict[int, np.ndarray]:
    """Version → its posts in BINS equal intervals of the picture's whole span."""
    if unique.first_posted_at is None or unique.last_posted_at is None or not images:
        return {}
    begin = int(unique.first_posted_at.timestamp())
    span = max(1, int(unique.last_posted_at.timestamp()) - begin + 1)
    key = Coalesce("link__image__near_id", "link__image_id") if folded else F("link__image_id")
    ids = [placing.key_of(image) if folded else image.pk for image in images]
    rows = (
        PostLink.objects.filter(link__image__unique=unique, post__selected=True)
        .annotate(version=key, bin=(_Seconds("post__posted_at") - begin) * BINS / span)
        .filter(version__in=ids)
        .values_list("version", "bin")
        .annotate(n=Count("post_id", distinct=True))
        .order_by()
    )
    found: dict[int, np.ndarray] = {}
    for version, place, n in rows:
        counts = found.setdefault(version, np.zeros(BINS, np.int64))
        counts[min(BINS - 1, max(0, int(place)))] += n
    return found

"""Every address the router knows, and one organised event with a row of each kind to fill them.

A walk, not a list: an address that is added tomorrow is among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import URLPattern, URLResolver, get_resolver

from imagery import look_ups
from imagery.models import (
    Collection,
    Decision,
    Event,
    HashList,
    Image,
    Import,
    KnownHash,
    KnownMatch,
    LookUp,
    Membership,
    RetrievalRun,
    Rule,
    UniqueImage,
)
from tests import factories

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """`name` with its namespaces, or the pattern in angle brackets where it has none."""

    name: str
    pattern: str

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("api/")

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("admin/")

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.pattern)

    def address(self, values: dict[str, Any]) -> str:
        """Filled with the values; of patterns that are regular expressions, one that fits."""
        plain = self.pattern
        for expression, path in REGULAR.items():
            plain = plain.replace(expression, path)
        return "/" + PARAMETER.sub(lambda found: str(values[found[1]]), plain)


REGULAR = {
    r"^(?P<app_label>auth|authtoken)$": "auth/",
    r"^(?P<app_label>auth|authtoken)/$": "auth/",
    r"(?P<url>.*)$": "nothing/here",
    r"^(?P<rest>.*/)$": "nothing/here/",
}


def routes() -> list[Route]:
    return list(_walk(get_resolver(), "", ""))


def _walk(resolver: Any, before: str, space: str) -> Iterator[Route]:
    for found in resolver.url_patterns:
        pattern = before + str(found.pattern)
        if isinstance(found, URLResolver):
            inner = f"{space}{found.namespace}:" if found.namespace else space
            yield from _walk(found, pattern, inner)
        elif isinstance(found, URLPattern):
            yield Route(f"{space}{found.name}" if found.name else f"<{pattern}>", pattern)


def furnished(event: Event, owner: User) -> dict[str, Any]:
    """Organise the event, give it a row of each kind, and say what fills which parameter."""
    event = factories.organised(event, n_unique=6)
    unique = UniqueImage.objects.filter(event=event).earliest("rank")
    other = UniqueImage.objects.filter(event=event).latest("rank")
    image = unique.representative
    return {
        "slug": event.slug,
        "name": "files",
        "unique_id": unique.pk,
        "pk": unique.pk,
        "image_id": unique.pk,
        "sha256": image.sha256,
        "side": 320,
        "a": image.pk,
        "b": other.representative_id,
        "import_id": _import(event),
        "collection_id": _collection(event),
        "post_id": event.posts.earliest("pk").pk,
        "rule_id": Rule.objects.create(event=event, kind="keyword", value="storm").pk,
        "member_id": Membership.objects.get(event=event, role="viewer").pk,
        "list_id": _list(event, image),
        "decision_id": Decision.objects.create(
            event=event, kind=Decision.Kind.NAME, image=image, text="Harbour", user=owner
        ).pk,
        "run_id": _run(owner),
        "key": _look_up(None, owner, image),
        "event_key": _look_up(event, owner, image),
        "object_id": owner.pk,
        "id": owner.pk,
        "content_type_id": 1,
    }


def _collection(event: Event) -> int:
    made = Collection.objects.create(
        event=event, name="Bluesky", source="bluesky", state=Collection.State.ON,
        token="nobody is told this",
    )  # fmt: skip
    made.rules.create(kind="hashtag", value="storm")
    made.minutes.create(at=factories.START, n_seen=9, n_kept=3, n_new=2)
    made.gaps.create(begins_at=factories.START, ends_at=factories.START)
    return made.pk


def _import(event: Event) -> int:
    settings.UPLOADS_DIR.mkdir(parents=True, exist_ok=True)
    (settings.UPLOADS_DIR / "routes-bad.ndjson").write_text('{"line": 1}\n')
    row = Import.objects.create(
        event=event, filename="a.ndjson", path="/nowhere", bad_rows="routes-bad.ndjson", n_bad=1,
        state=Import.State.DONE,
    )  # fmt: skip
    return row.pk


def _list(event: Event, image: Image) -> int:
    made = HashList.objects.create(event=event, name="Theirs", n_hashes=1)
    known = KnownHash.objects.create(hash_list=made, pdq=image.pdq, quality=90, name="one")
    KnownMatch.objects.create(known=known, image=image, distance=0)
    return made.pk


def _look_up(event: Event | None, owner: User, image: Image) -> str:
    row = LookUp.objects.create(
        user=owner, event=event, asked=image.phash, phash=image.phash, state=LookUp.State.DONE,
        found={"events": {}, "exact": [image.pk], "near": [], "notes": {}}, has_thumb=True,
    )  # fmt: skip
    default_storage.save(look_ups.thumb_name(row.key), ContentFile(factories.jpeg()))
    return row.key


def _run(owner: User) -> int:
    row = {
        "descriptor": "hog", "network": "", "metric": "euclidean", "map": 0.1, "low": 0.05,
        "high": 0.15, "plain": 0.1, "trapezoid": 0.1, "dims": 1764, "seconds": 0.002, "note": "",
    }  # fmt: skip
    parameters = {
        "protocol": "trapezoid", "said": [], "seed": 1, "resamples": 2000, "cores": 2,
        "decoding_s": 0.004, "n_left_out": 0,
    }  # fmt: skip
    made = RetrievalRun.objects.create(
        folder="holidays", naming="holidays", parameters=parameters, versions={}, digest="ab" * 32,
        n_images=9, n_queries=3, n_groups=3, rows=[row], user=owner,
    )  # fmt: skip
    return made.pk

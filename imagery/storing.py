"""Records → rows: accounts, posts and links, upserted in batches.

Built for millions of posts: rows are tuples and not objects, statements are prepared once and
run for each row, and the accounts and links met before are remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from urllib.parse import urldefrag

from django.db import transaction
from django.utils import timezone

from imagery import locks
from imagery.core import ages
from imagery.models import Account, Collection, Event, Import, Link, Post, PostLink, Purge
from imagery.sources.base import AccountRecord, ImageRef, Record
from imagery.writing import insert_rows, update_rows

REMEMBERED = 100_000  # accounts, and links: about 60 MB of each
ACCOUNT_FIELDS = (
    "handle", "name", "followers", "following", "n_posts", "created_at", "verified", "location",
)  # fmt: skip
POST_FIELDS = (
    "posted_at", "text", "lang", "url", "likes", "reposts", "comments", "views", "lat", "lon",
    "place", "repost_of", "reply_to",
)  # fmt: skip
NEW_POST_FIELDS = (
    "event_id", "platform", "uid", "account_id", "imported_by_id", "collected_by_id", "source_id",
    "stored_at", "visit_at", "has_images", "hashtags",
)  # fmt: skip
OTHER_POST_FIELDS = ("hashtags", "account_id", "has_images", "selected")
Key = tuple[str, str]  # platform and uid
Value = str | int | float | bool | datetime | None


@dataclass(slots=True)
class _Known:
    """An account's row, and what was last told of it: mostly the same again."""

    pk: int
    values: tuple[Value, ...]  # by ACCOUNT_FIELDS
    told: AccountRecord | None = None


def store(event: Event, records: Iterable[Record], source: Import | None = None) -> tuple[int, int]:
    """Upsert one batch; returns (new, updated) posts: see Storing."""
    return Storing(event, source).store(records)


class Storing:
    """Upserts batches of one import or collection. Not to be used again once it has raised.

    A known value never becomes unknown. Of two records of one post in a batch the later counts.
    """

    def __init__(
        self, event: Event, source: Import | None = None, collection: Collection | None = None
    ) -> None:
        self._event, self._source, self._collection = event, source, collection
        self._accounts: dict[Key, _Known] = {}
        self._links: dict[str, int] = {}  # URL → id
        self._purged: tuple[int, int] | None = None

    @transaction.atomic
    def store(self, records: Iterable[Record]) -> tuple[int, int]:
        """Returns (new, updated) posts."""
        locks.storing(self._event.pk)
        self._forget_what_was_purged()
        batch = {(record.platform[:30], record.uid[:300]): record for record in records}
        if len(self._accounts) > REMEMBERED:
            self._accounts.clear()
        if len(self._links) > REMEMBERED:
            self._links.clear()
        self._store_accounts(batch.values())
        shown = self._store_links(batch.values())
        known = _known_posts(self._event, batch)
        n_updated = self._update_posts(batch, known)
        new = {key: record for key, record in batch.items() if key not in known}
        self._insert_posts(new)
        ids = {key: held[0] for key, held in known.items()}
        if shown:
            ids |= _post_ids(self._event, [key for key, record in new.items() if record.images])
        rows = [
            (ids[key], shown[self._url(ref)], position)
            for key, record in batch.items()
            if record.images
            for position, ref in enumerate(record.images)
            if ref.url or ref.file
        ]
        insert_rows(PostLink, ("post_id", "link_id", "position"), rows, ignore_conflicts=True)
        return len(new), n_updated

    def _forget_what_was_purged(self) -> None:
        """Ids remembered may be of rows that are gone, where a part was purged since then."""
        purges = Purge.objects.filter(event=self._event).order_by("-pk")
        purged = purges.values_list("pk", "part").first()
        if purged != self._purged:
            self._accounts.clear()
            self._links.clear()
            self._purged = purged

    # Accounts --------------------------------------------------------------------------------

    def _store_accounts(self, records: Iterable[Record]) -> None:
        told = [
            (_account_key(record), record.account)
            for record in records
            if record.account and record.account.uid
        ]
        self._meet_accounts({key for key, _ in told if key not in self._accounts})
        new: dict[Key, tuple[Value, ...]] = {}
        changed: dict[Key, _Known] = {}
        for key, account in told:
            held = self._accounts.get(key)
            if held is None:
                new[key] = _merged(new.get(key, _NOTHING_TOLD), _account_values(account))
            elif held.told != account:
                held.told = account
                values = _merged(held.values, _account_values(account))
                if values != held.values:
                    held.values = values
                    changed[key] = held
        rows = [(self._event.pk, *key, *values) for key, values in new.items()]
        insert_rows(Account, ("event_id", "platform", "uid", *ACCOUNT_FIELDS), rows)
        self._meet_accounts(new.keys())
        update_rows(
            [
                Account(pk=held.pk, **dict(zip(ACCOUNT_FIELDS, held.values, strict=True)))
                for held in changed.values()
            ],
            ACCOUNT_FIELDS,
        )

    def _meet_accounts(self, keys: Iterable[Key]) -> None:
        """Remember those of the accounts that have a row."""
        for platform, uids in _by_platform(keys).items():
            rows = self._event.accounts.filter(platform=platform, uid__in=uids)
            for uid, pk, *values in rows.values_list("uid", "pk", *ACCOUNT_FIELDS):
                self._accounts[platform, uid] = _Known(pk, tuple(values))

    def _account_id(self, record: Record) -> int | None:
        held = self._accounts.get(_account_key(record)) if record.account else None
        return held.pk if held else None

    # Links -----------------------------------------------------------------------------------

    def _url(self, ref: ImageRef) -> str:
        return url_of(ref, self._source)

    def _store_links(self, records: Iterable[Record]) -> dict[str, int]:
        """URL → id of the links the records show."""
        refs = {
            self._url(ref): ref
            for record in records
            if record.images
            for ref in record.images
            if ref.url or ref.file
        }
        # Links to files are read each time: what became of them decides what is to be done.
        asked = {
            link_key(url): url for url, ref in refs.items() if ref.file or url not in self._links
        }
        found = {row.key: row for row in self._event.links.filter(key__in=list(asked))}
        self._links.update((asked[key], row.pk) for key, row in found.items())
        self._fetch_again([(row, refs[asked[key]]) for key, row in found.items()])
        source_id = self._source.pk if self._source else None
        rows = [
            (self._event.pk, key, url, refs[url].file[:500], source_id, refs[url].alt[:1000])
            for key, url in asked.items()
            if key not in found
        ]
        insert_rows(Link, ("event_id", "key", "url", "file", "source_id", "alt"), rows)
        if rows:
            keys = [row[1] for row in rows]
            ids = self._event.links.filter(key__in=keys).values_list("key", "pk")
            self._links.update((asked[key], pk) for key, pk in ids)
        return {url: self._links[url] for url in refs}

    def _fetch_again(self, found: list[tuple[Link, ImageRef]]) -> None:
        """Links without a picture wait once more where this import brings their file."""
        again = []
        for row, ref in found:
            if not ref.file or self._source is None or row.state == Link.State.FETCHED:
                continue
            if row.source_id != self._source.pk or row.file != ref.file:
                row.file, row.source, row.state = ref.file[:500], self._source, Link.State.WAITING
                again.append(row)
        update_rows(again, ["file", "source", "state"])

    # Posts -----------------------------------------------------------------------------------

    def _insert_posts(self, new: Mapping[Key, Record]) -> None:
        source_id = self._source.pk if self._source else None
        collection, now = self._collection, timezone.now()
        days = collection.revisit_days if collection else ()
        rows = [
            (
                self._event.pk,
                *key,
                self._account_id(record),
                source_id,
                collection.pk if collection else None,
                record.source_id[:300],
                now,
                ages.next_due(record.posted_at, days, now),
                bool(record.images),
                list(record.hashtags),
                *_post_values(record),
            )
            for key, record in new.items()
        ]
        insert_rows(Post, (*NEW_POST_FIELDS, *POST_FIELDS), rows)

    def _update_posts(self, batch: Mapping[Key, Record], known: dict[Key, tuple]) -> int:
        fields = (*POST_FIELDS, *OTHER_POST_FIELDS)
        changed = []
        for key, (pk, *held) in known.items():
            record = batch[key]
            hashtags, account_id, has_images, _ = held[len(POST_FIELDS) :]
            wanted = [
                *_merged(held[: len(POST_FIELDS)], _post_values(record)),
                list(record.hashtags) or hashtags,
                self._account_id(record) or account_id,
                bool(record.images) or has_images,
                True,
            ]
            if wanted != held:
                changed.append(Post(pk=pk, **dict(zip(fields, wanted, strict=True))))
        return update_rows(changed, fields)


def _known_posts(event: Event, keys: Iterable[Key]) -> dict[Key, tuple]:
    """Posts that have a row: their id, then POST_FIELDS and OTHER_POST_FIELDS."""
    found: dict[Key, tuple] = {}
    for platform, uids in _by_platform(keys).items():
        rows = event.posts.filter(platform=platform, uid__in=uids)
        for uid, *values in rows.values_list("uid", "pk", *POST_FIELDS, *OTHER_POST_FIELDS):
            found[platform, uid] = tuple(values)
    return found


def _post_ids(event: Event, keys: Iterable[Key]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for platform, uids in _by_platform(keys).items():
        rows = event.posts.filter(platform=platform, uid__in=uids)
        found.update(((platform, uid), pk) for uid, pk in rows.values_list("uid", "pk"))
    return found


def _by_platform(keys: Iterable[Key]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for platform, uid in keys:
        grouped.setdefault(platform, []).append(uid)
    return grouped


def _merged(held: Iterable[Value], told: Iterable[Value]) -> tuple[Value, ...]:
    """What is told, and what was held where nothing is."""
    return tuple(
        [old if new is None or new == "" else new for old, new in zip(held, told, strict=True)]
    )


_NOTHING_TOLD: tuple[Value, ...] = ("", "", None, None, None, None, None, "")


def _account_key(record: Record) -> Key:
    return (record.platform[:30], record.account.uid[:200] if record.account else "")


def _account_values(account: AccountRecord) -> tuple[Value, ...]:
    """By ACCOUNT_FIELDS, within what their columns hold."""
    return (
        account.handle[:200],
        account.name[:300],
        account.followers,
        account.following,
        account.n_posts,
        account.created_at,
        account.verified,
        account.location[:300],
    )


_uncut = attrgetter(*POST_FIELDS[3:10])


def _post_values(record: Record) -> tuple[Value, ...]:
    """By POST_FIELDS, within what their columns hold."""
    return (
        record.posted_at,
        record.text,
        record.lang[:20],
        *_uncut(record),
        record.place[:300],
        record.repost_of[:300],
        record.reply_to[:300],
    )


def url_of(ref: ImageRef, source: Import | None) -> str:
    """What stands for the picture in the event: its URL, or its place inside the import."""
    if not ref.url:
        return f"file:{source.filename if source else ''}/{ref.file}"
    return urldefrag(ref.url).url if "#" in ref.url else ref.url


def link_key(url: str) -> str:
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

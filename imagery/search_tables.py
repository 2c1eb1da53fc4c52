"""What a search finds as rows to take away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imagery import post_table, searching
from imagery.models import Event
from imagery.search_filters import Filters

PICTURES = (
    "event", "picture", "posts_found", "posts", "files", "accounts", "rank", "group", "sha256",
    "first_posted_at", "last_posted_at", "looks_like", "described",
)  # fmt: skip
BATCH = 500


def posts(events: Sequence[Event], filters: Filters) -> Iterator[list[object]]:
    """Every post found, in the order they came."""
    if not events:
        return
    found = searching.posts(events, filters).select_related("account").order_by("pk")
    slugs = {event.pk: event.slug for event in events}
    for post in found.iterator(chunk_size=1000):
        yield [slugs[post.event_id], *post_table.csv_row(post)]


def pictures(events: Sequence[Event], filters: Filters) -> Iterator[list[object]]:
    if not events:
        return
    ranked = searching.ranking(events, filters)
    after: int | None = 0
    while after is not None:
        found, after = searching.picture_page(events, ranked, after, BATCH)
        for one in found:
            card = one.card
            yield [
                one.event.slug, card.id, card.n_posts if one.n_found is None else one.n_found,
                card.n_posts, card.n_copies, card.n_accounts, card.rank, card.group, card.sha256,
                card.first_posted_at, card.last_posted_at, card.caption, card.described,
            ]  # fmt: skip

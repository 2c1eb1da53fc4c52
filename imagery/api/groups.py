"""Groups at any θ, and the members of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import groups, pictures, snapshots
from imagery.api import asked, pagination
from imagery.api.endpoints import Endpoint
from imagery.api.pictures import uniques
from imagery.api.serializers import GroupSerializer, UniqueImageSerializer
from imagery.groups import Groups
from imagery.models import Event, Snapshot

SHOWN = 6  # members told with each group of a list


class OneGroupQuery(asked.Paged):
    similarity = asked.Similarity(required=False)


class GroupQuery(OneGroupQuery):
    min_members = asked.Count(required=False)
    min_posts = asked.Count(required=False)


class AllGroups(Endpoint):
    query = GroupQuery

    @extend_schema(
        operation_id="groups_list",
        parameters=[GroupQuery],
        responses=pagination.page_of(
            GroupSerializer(many=True),
            "GroupPage",
            similarity=serializers.FloatField(),
            total=serializers.IntegerField(help_text="Groups that pass the filters."),
        ),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Groups at a similarity (the event's own by default), by posts."""
        event = self.event(slug)
        made = groups.at(event, self.asked.get("similarity"))
        kept = (made.n_members >= self.asked.get("min_members", 0)) & (
            made.n_posts >= self.asked.get("min_posts", 0)
        )
        order, limit = f"groups@{made.theta}", self.asked["limit"]
        following = kept
        if cursor := self.asked.get("cursor"):
            posts, rank = pagination.decode(cursor, order, (int, int))
            later = (made.n_posts < posts) | ((made.n_posts == posts) & (made.best_rank > rank))
            following = kept & later
        places = np.flatnonzero(following)[: limit + 1].tolist()
        more = None
        if len(places) > limit:
            last = places[limit - 1]
            more = pagination.encode(order, [int(made.n_posts[last]), int(made.best_rank[last])])
        context = {"request": request, "slug": event.slug}
        told = GroupSerializer(_told(event, made, places[:limit]), many=True, context=context).data
        return pagination.answer(request, told, more, similarity=made.theta, total=int(kept.sum()))


class OneGroup(Endpoint):
    query = OneGroupQuery

    @extend_schema(
        operation_id="groups_read",
        parameters=[OneGroupQuery],
        responses=pagination.page_of(
            UniqueImageSerializer(many=True),
            "GroupMembers",
            similarity=serializers.FloatField(),
            group=GroupSerializer(),
        ),
    )
    def get(self, request: Request, slug: str, image_id: int) -> Response:
        """The group that holds a unique image at a similarity, and its members by rank."""
        event = self.event(slug)
        made = groups.at(event, self.asked.get("similarity"))
        place = made.position_with(image_id)
        if place is None:
            raise Http404(f"no group of {event.slug!r} holds a unique image {image_id}")
        ids, more = _members(event, made, place, self.asked.get("cursor"), self.asked["limit"])
        rows = uniques(event).in_bulk(ids)
        context = {"request": request, "slug": event.slug}
        told = UniqueImageSerializer(
            [rows[pk] for pk in ids if pk in rows], many=True, context=context
        ).data
        group = next(iter(_told(event, made, [place])))
        return pagination.answer(
            request,
            told,
            more,
            similarity=made.theta,
            group=GroupSerializer(group, context=context).data,
        )


def _told(event: Event, made: Groups, places: list[int]) -> list[dict[str, Any]]:
    """What GroupSerializer tells of each; one query for all pictures."""
    members = {place: made.members_of(place, SHOWN).tolist() for place in places}
    found = pictures.cards(event, (pk for ids in members.values() for pk in ids))
    cards = {card.id: card for card in found}
    named = groups.names(event, made)
    return [
        {
            "id": int(made.lead[at]),
            "names": [name.text for name in named.get(at, [])],
            "posts": int(made.n_posts[at]),
            "members": int(made.n_members[at]),
            "best_rank": int(made.best_rank[at]),
            "worst_rank": int(made.worst_rank[at]),
            "mean_rank": round(float(made.mean_rank[at]), 2),
            "first_posted_at": _moment(int(made.first[at])),
            "last_posted_at": _moment(int(made.last[at])),
            "images": [cards[pk] for pk in ids if pk in cards],
        }
        for at, ids in members.items()
    ]


def _moment(seconds: int) -> datetime | None:
    """0 stands for no post at all."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _members(
    event: Event, made: Groups, place: int, cursor: str | None, limit: int
) -> tuple[list[int], str | None]:
    """Ids of a page of members by rank, and the cursor of the next."""
    unique = snapshots.read(event, Snapshot.Kind.UNIQUE)
    own = np.isin(unique["id"], made.members_of(place))
    ids, ranks = unique["id"][own], unique["rank"][own]
    order = f"members@{made.theta}"
    begin = 0
    if cursor:
        (after,) = pagination.decode(cursor, order, (int,))
        begin = int(np.searchsorted(ranks, after, side="right"))
    stop = begin + limit
    more = pagination.encode(order, [int(ranks[stop - 1])]) if stop < len(ids) else None
    return ids[begin:stop].tolist(), more

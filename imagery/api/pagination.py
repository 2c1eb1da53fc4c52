"""Keyset pages: each begins after the last row of the one before, wherever rows were added."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

Row = TypeVar("Row", bound=Model)


NO_CURSOR = "This is no cursor; take `next` of the page before as it is."


@dataclass(frozen=True, slots=True)
class Key:
    """What a list is ordered by; equal rows by id. The field is never null."""

    field: str
    kind: type
    descending: bool = False


NEWEST = Key("id", int, descending=True)


def page(
    rows: QuerySet[Row], key: Key, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """The rows after the cursor, and the cursor of what follows them; None at the end.

    Raises ValidationError where the cursor is none of this order.
    """
    if cursor:
        value, pk = decode(cursor, _name(key), (key.kind, int))
        # The bound on the field alone lets the database begin there in its index.
        way = "lt" if key.descending else "gt"
        beyond = Q(**{f"{key.field}__{way}": value}) | Q(pk__gt=pk)
        rows = rows.filter(beyond, **{f"{key.field}__{way}e": value})
    order = f"-{key.field}" if key.descending else key.field
    found = list(rows.order_by(order, "pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], encode(_name(key), [getattr(last, key.field), last.pk])


def _name(key: Key) -> str:
    return f"-{key.field}" if key.descending else key.field


def encode(order: str, values: Sequence[int | float | str | datetime]) -> str:
    plain = [v.isoformat() if isinstance(v, datetime) else v for v in values]
    return base64.urlsafe_b64encode(json.dumps([order, *plain]).encode()).decode().rstrip("=")


def decode(cursor: str, order: str, kinds: Sequence[type]) -> list[Any]:
    """The values put in by `encode`. Raises ValidationError for anything else."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        held = json.loads(base64.urlsafe_b64decode(padded))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        held = None
    if not isinstance(held, list) or len(held) != len(kinds) + 1:
        raise _refused(NO_CURSOR)
    if held[0] != order:
        raise _refused("This cursor is of another order; begin without it.")
    return [_value(value, kind) for value, kind in zip(held[1:], kinds, strict=True)]


def _value(value: Any, kind: Any) -> Any:
    try:
        if kind is datetime:
            return datetime.fromisoformat(value).astimezone(UTC)
        if not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError
        if kind is not str and not abs(value) < 2**63:
            raise OverflowError
        if isinstance(value, str) and not value.isprintable():
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise _refused(NO_CURSOR) from None
    return value


def _refused(message: str) -> serializers.ValidationError:
    return serializers.ValidationError({"cursor": [message]})


def next_url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def answer(request: Request, results: Any, cursor: str | None, **more: Any) -> Response:
    return Response({"next": next_url(request, cursor), **more, "results": results})


def page_of(item: serializers.BaseSerializer, name: str, **more: serializers.Field) -> Any:
    """The shape of `answer`, for the schema."""
    return inline_serializer(
        name, {"next": serializers.URLField(allow_null=True), **more, "results": item}
    )

"""What may be asked for: fields and query parameters, each named; any other is refused."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, ClassVar
from zoneinfo import available_timezones

from rest_framework import serializers
from rest_framework.request import Request

MOST_ID = 2**63 - 1
SIMILARITY = (0.45, 1.0)


class Strict(serializers.Serializer):
    """Refuses names it does not know, so that a misspelt one is not taken for granted."""

    noun: ClassVar[str] = "field"

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        unknown = [name for name in data if name not in self.fields]
        if unknown:
            known = ", ".join(self.fields) or "none"
            message = f"Unknown {self.noun}; known here: {known}."
            raise serializers.ValidationError({str(name)[:100]: [message] for name in unknown})
        return value


class Query(Strict):
    """Query parameters of an endpoint; this one takes none."""

    noun = "parameter"

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """Checked values. Raises ValidationError, naming the parameter."""
        asked = cls(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return asked.validated_data


class Paged(Query):
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(
        required=False, max_length=500, help_text="As the page before gave it in `next`."
    )


class Number(serializers.FloatField):
    """A finite number."""

    def to_internal_value(self, data: Any) -> float:
        try:
            value = super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class Similarity(Number):
    """θ within what groups are made for."""

    def __init__(self, **kwargs: Any) -> None:
        low, high = SIMILARITY
        kwargs.setdefault("help_text", "θ: images more alike than this belong to one group.")
        told = f"similarity is a number from {low} to {high}."
        messages: dict[str, Any] = dict.fromkeys(("invalid", "min_value", "max_value"), told)
        super().__init__(min_value=low, max_value=high, error_messages=messages, **kwargs)


class Id(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MOST_ID, **kwargs)


class Count(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=MOST_ID, **kwargs)


class TimeZone(serializers.CharField):
    """A name of the IANA time zone database."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in _zones():
            raise serializers.ValidationError(
                f"{name!r} is no time zone: want a name such as Europe/Lisbon."
            )
        return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())

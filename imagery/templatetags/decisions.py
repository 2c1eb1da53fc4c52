"""What people decided, where pages show pictures.

{% decision_on image other as held %}          the active Decision on the pair, or None
{% decision_of unique "apart" as held %}       the latest active one of a kind on its files
{% may_decide event user as ok %}              whether the person's role lets them decide
{% n_doubtful event as n %}                    pairs that wait in the review
"""

from __future__ import annotations

from typing import Any

from django import template

from imagery import deciding, doubts
from imagery.models import Decision, Event, Image, UniqueImage

register = template.Library()


@register.simple_tag
def decision_on(image: Image, other: Image) -> Decision | None:
    return deciding.of_pair(image.pk, other.pk)


@register.simple_tag
def decision_of(unique: UniqueImage, kind: str) -> Decision | None:
    return deciding.of_set(unique.pk, kind).select_related("user").first()


@register.simple_tag
def may_decide(event: Event, user: Any) -> bool:
    return Event.objects.editable_by(user).filter(pk=event.pk).exists()


@register.simple_tag
def n_doubtful(event: Event) -> int:
    return doubts.n_waiting(event)

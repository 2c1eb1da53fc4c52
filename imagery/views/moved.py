"""Addresses of pictures that are part of another by now lead to that one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from imagery.access import event_for
from imagery.models import Moved

View = Callable[..., HttpResponseBase]


def follow(view: View) -> View:
    """For views of one unique image, whose id is the address's last argument."""

    @wraps(view)
    def followed(request: HttpRequest, slug: str, **ids: int) -> HttpResponseBase:
        try:
            return view(request, slug, **ids)
        except Http404:
            if request.method not in ("GET", "HEAD") or request.resolver_match is None:
                raise
            [(name, was)] = ids.items()
            now = Moved.objects.now_in(event_for(request, slug), was)
            if now is None:
                raise
        address = reverse(request.resolver_match.view_name, kwargs={"slug": slug, name: now})
        query = request.META.get("QUERY_STRING", "")
        return redirect(f"{address}?{query}" if query else address)

    return followed

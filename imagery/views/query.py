"""Values of an address's query, kept within what makes sense."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


def whole(request: HttpRequest, name: str, default: int, low: int, high: int) -> int:
    text = request.GET.get(name, "")
    fits = text.isascii() and text.isdigit() and len(text) <= 18
    return min(high, max(low, int(text))) if fits else default


def choice(request: HttpRequest, name: str, choices: tuple[str, ...]) -> str:
    """One of the choices; the first where something else was asked for."""
    found = request.GET.get(name, "")
    return found if found in choices else choices[0]


def wants_part(request: HttpRequest) -> bool:
    """Whether a script asks for more of a list, and not a person for the page."""
    return "HX-Request" in request.headers


def part(response: HttpResponse) -> HttpResponse:
    """Keeps a browser from taking a part for the page: both have one address."""
    patch_vary_headers(response, ("HX-Request",))
    return response

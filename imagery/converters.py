"""Path pieces of the product's own: what does not fit is 404 before any view runs."""

from __future__ import annotations


class Sha256Converter:
    """64 lower-case hex digits."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value

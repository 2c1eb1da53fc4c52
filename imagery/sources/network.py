"""How live sources reach servers whose names people typed: by checked addresses alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """allow_private: "host:port" places that the address and port rules do not concern."""

    user_agent: str
    allow_private: frozenset[str] = frozenset()

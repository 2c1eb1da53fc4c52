"""How long to wait before trying again: doubled each time, and not in step with others."""

from __future__ import annotations

FIRST_S = 1.0
MOST_S = 300.0
REFUSED_S = 300.0  # where trying on is of little use
LONGEST_ASKED_S = 3600.0  # no server makes us wait longer


def longest(n_tries: int) -> float:
    """Seconds after the n-th failure in a row (1…), before chance shortens them."""
    return min(MOST_S, FIRST_S * 2.0 ** min(max(n_tries, 1) - 1, 30))


def wait_s(n_tries: int, draw: float, asked_s: float | None = None) -> float:
    """Half of `longest` to all of it, by a draw of 0…1; never shorter than a server asks."""
    asked = min(asked_s or 0.0, LONGEST_ASKED_S)
    return max(asked, longest(n_tries) * (0.5 + 0.5 * draw))

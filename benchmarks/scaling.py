"""What 1, 10 and 100 million images need, computed from measured unit costs.

python -m benchmarks scaling: prints the table that docs/scaling.md holds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

SIZES = (1_000_000, 10_000_000, 100_000_000)
POSTS_PER_IMAGE = 12  # of paper A's largest event that show a picture, per distinct file
UNIQUE = 0.65  # of its files that stand for a set
DAYS = 30


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one core, in s, for n images; spread: whether any number of machines share it."""

    name: str
    unit: str
    seconds: Callable[[float], float]
    spread: bool = True


def _grows(seconds: float, n: float, power: float) -> Callable[[float], float]:
    return lambda size: seconds * (size / n) ** power


COSTS = (
    Cost("store posts and links", "106 µs a post", lambda n: 106e-6 * n * POSTS_PER_IMAGE),
    Cost("fetch", "1.4 ms a link", lambda n: 1.4e-3 * n),
    Cost("look", "13 ms an image", lambda n: 13e-3 * n),
    Cost("versions", "15 ms an image", lambda n: 15e-3 * n),
    Cost("dedup, whole", "35 s at 1,000,000, n^1.25", _grows(35, 1e6, 1.25), spread=False),
    Cost(
        "group, from scratch",
        "22 s at 32,720 unique images, n^1.45",
        lambda n: _grows(22, 32_720, 1.45)(UNIQUE * n),
        spread=False,
    ),
    Cost("count, whole", "60 µs a post", lambda n: 60e-6 * n * POSTS_PER_IMAGE, spread=False),
)
BYTES = {
    "files as they came": lambda n: 136e3 * n,
    "thumbnails, about": lambda n: 18e3 * n,
    "vectors, in the database": lambda n: (2 * 1000 + 2 * 1280) * n,
    "local features": lambda n: 10e3 * n * UNIQUE,
    "rows and their indexes, about": lambda n: (3e3 + 1.2e3 * POSTS_PER_IMAGE) * n,
    "memory of grouping": lambda n: 1e9 / 32_720 * n * UNIQUE,
    "memory of the index of features, in each worker": lambda n: 2e3 * n * UNIQUE,
}


def table() -> list[str]:
    """Lines of Markdown."""
    head = " | ".join(f"{n // 10**6:,} million" for n in SIZES)
    lines = [f"| of one core | unit cost | {head} |", f"|---|---|{'---:|' * len(SIZES)}"]
    for cost in COSTS:
        name = cost.name if cost.spread else f"{cost.name} *"
        cells = " | ".join(_time(cost.seconds(n)) for n in SIZES)
        lines.append(f"| {name} | {cost.unit} | {cells} |")
    spread = [sum(cost.seconds(n) for cost in COSTS if cost.spread) for n in SIZES]
    cells = " | ".join(_time(seconds) for seconds in spread)
    lines.append(f"| all that is spread | | {cells} |")
    cores = " | ".join(f"{seconds / (DAYS * 86_400):,.2f}" for seconds in spread)
    lines.append(f"| cores busy for {DAYS} days | | {cores} |")
    lines += ["", f"| bytes | {head} |", f"|---|{'---:|' * len(SIZES)}"]
    for name, size in BYTES.items():
        lines.append(f"| {name} | {' | '.join(_bytes(size(n)) for n in SIZES)} |")
    return lines


def _time(seconds: float) -> str:
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _bytes(n: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if n >= size:
            return f"{n / size:,.1f} {unit}"
    return f"{n / 1e6:,.0f} MB"


def main(arguments: list[str]) -> None:
    print("\n".join(table()))


if __name__ == "__main__":
    main(sys.argv[1:])

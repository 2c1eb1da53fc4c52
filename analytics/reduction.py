"""How far copies and likeness reduce an event's posts (paper A, Figure 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from imagery.models import Event


@dataclass(frozen=True, slots=True)
class Step:
    """One stage from posts to groups.

    share: 0…1 of image posts (of posts for image posts themselves), None where there is none.
    size: 0…1, log(1 + count) over the largest step's; 0 where the count is 0.
    """

    key: str
    label: str
    count: int
    share: float | None
    size: float


LABELS = {
    "posts": "Posts",
    "image_posts": "With pictures",
    "urls": "Links",
    "images": "Files",
    "unique_images": "Unique pictures",
    "groups": "Groups",
}


def reduction(event: Event) -> dict[str, int]:
    """Counts from the event's rollups, no queries: posts, image_posts, urls, images, …

    near_images: unique pictures by perceptual hash alone, paper A's, whatever the event counts.
    """
    return {
        "posts": event.n_posts,
        "image_posts": event.n_image_posts,
        "urls": event.n_links,
        "images": event.n_images,
        "unique_images": event.n_unique,
        "near_images": event.n_near,
        "groups": event.n_groups,
    }


def steps(event: Event) -> list[Step]:
    counts = reduction(event)
    most = math.log1p(max(counts.values()))
    return [
        Step(
            key=key,
            label=LABELS[key],
            count=count,
            share=_share(key, count, counts),
            size=math.log1p(count) / most if most else 0.0,
        )
        for key, count in counts.items()
        if key in LABELS
    ]


def _share(key: str, count: int, counts: dict[str, int]) -> float | None:
    if key == "posts":
        return None
    whole = counts["posts"] if key == "image_posts" else counts["image_posts"]
    return count / whole if whole else None


def band(sizes: list[float], width: float = 600, height: float = 100) -> str:
    """SVG path of a band as wide at each step as its size, flowing smoothly between them.

    Steps are equal columns of the width; the band is level through the middle of each.
    """
    if not sizes:
        return ""
    column = width / len(sizes)
    level = column * 0.32  # half of what each column keeps level
    half = [max(0.5, size * height / 2) if size else 0.0 for size in sizes]
    upper = [(column * (i + 0.5), height / 2 - h) for i, h in enumerate(half)]
    lower = [(x, height - y) for x, y in reversed(upper)]
    return f"M0,{_n(upper[0][1])}{_edge(upper, level, width)}" + (
        f"L{_n(width)},{_n(lower[0][1])}{_edge(lower, -level, 0)}Z"
    )


def _edge(points: list[tuple[float, float]], level: float, end: float) -> str:
    parts = []
    for i, (x, y) in enumerate(points):
        if i:
            was_x, was_y = points[i - 1]
            middle = (was_x + x) / 2
            parts.append(f"C{_n(middle)},{_n(was_y)} {_n(middle)},{_n(y)} {_n(x - level)},{_n(y)}")
        parts.append(f"L{_n(x + level if i < len(points) - 1 else end)},{_n(y)}")
    return "".join(parts)


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")

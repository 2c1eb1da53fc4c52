"""What a simulated load came to: per stage and step, as a table and as a plot."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STAGES = ("stored", "fetched", "looked at", "on the page")
PAPER = (
    "the paper: 8, 9 and 10 images/s through its stages; 50 a minute (0.8/s) in all, with people"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One rate of posts: from and to when, in seconds since the run began."""

    rate: float
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Measured:
    """steps: n. waits: for each stage and step, s that a post spent before it came out of the
    stage; done: posts a second that came out of it during the step; whole: from post to page.
    busy: by stage, (images, s) of all its jobs."""

    steps: list[Step]
    waits: dict[str, list[np.ndarray]]
    done: dict[str, list[float]]
    whole: list[np.ndarray]
    missing: list[int]
    busy: dict[str, tuple[int, float]]


def measured(
    slug: str, published: dict[int, float], shown: dict[int, float], steps: list[Step], begun: float
) -> Measured:
    """From the rows of the event, and from when the pages showed what."""
    at = _times(slug, published, shown, begun)
    number = np.array([at[i][0] for i in sorted(at)])
    waits: dict[str, list[np.ndarray]] = {stage: [] for stage in STAGES}
    done: dict[str, list[float]] = {stage: [] for stage in STAGES}
    whole, missing = [], []
    times = np.array([at[i] for i in sorted(at)]).reshape(-1, len(STAGES) + 1)
    for step in steps:
        of_step = times[(number >= step.begin) & (number < step.end)]
        for i, stage in enumerate(STAGES, start=1):
            spent = of_step[:, i] - of_step[:, i - 1]
            waits[stage].append(spent[np.isfinite(spent)])
            came = (times[:, i] >= step.begin) & (times[:, i] < step.end)
            done[stage].append(float(came.sum() / (step.end - step.begin)))
        spent = of_step[:, -1] - of_step[:, 0]
        whole.append(spent[np.isfinite(spent)])
        missing.append(int((~np.isfinite(spent)).sum()))
    return Measured(steps, waits, done, whole, missing, _busy(slug))


def _times(
    slug: str, published: dict[int, float], shown: dict[int, float], begun: float
) -> dict[int, list[float]]:
    """Post → when it was published, stored, fetched, looked at and on the page; NaN: never."""
    from imagery.models import PostLink

    never = float("nan")
    rows = PostLink.objects.filter(post__event__slug=slug).values_list(
        "post__uid", "post__stored_at", "link__fetched_at", "link__image__looked_at"
    )
    found = {}
    for uid, *moments in rows:
        number = int(uid)
        if number in published:
            passed = [m.timestamp() - begun if m else never for m in moments]
            found[number] = [published[number], *passed, shown.get(number, never)]
    return found


def _busy(slug: str) -> dict[str, tuple[int, float]]:
    """By stage, what its jobs did and how long they took."""
    from imagery.models import Job

    spent: dict[str, tuple[int, float]] = {}
    for job in Job.objects.filter(event__slug=slug, state=Job.State.DONE):
        n, seconds = spent.get(job.stage, (0, 0.0))
        spent[job.stage] = n + job.n_done, seconds + job.elapsed_s()
    return spent


def _told(values: np.ndarray) -> str:
    if not len(values):
        return "      –      –"
    p50, p95 = np.percentile(values, (50, 95))
    return f"{p50:7.1f}{p95:7.1f}"


def show(found: Measured, asked_ms: list[float], core_s: dict[str, float], n_shown: int) -> None:
    """Latencies are of a machine as busy as it is; processor time tells what it could do."""
    names = "".join(f"{name:>20}" for name in (*STAGES, "post to page"))
    print(f"\nper second | p50 | p95 in s  {names}")
    for i, step in enumerate(found.steps):
        cells = [f"{found.done[stage][i]:6.1f}{_told(found.waits[stage][i])}" for stage in STAGES]
        lost = f"  {found.missing[i]} not shown" if found.missing[i] else ""
        print(f"{step.rate:6g} posts/s              {''.join(cells)}{_told(found.whole[i])}{lost}")
    kept = [
        s for s, n in zip(found.steps, found.done[STAGES[-1]], strict=True) if n >= 0.9 * s.rate
    ]
    print(f"kept up with: {max((s.rate for s in kept), default=0.0):g} new images/s")
    for stage, (n, seconds) in found.busy.items():
        print(f"  {stage:<10}{seconds:8.1f} s of jobs{n / seconds if seconds else 0:10.1f} rows/s")
    each = {name: 1e3 * spent / max(1, n_shown) for name, spent in core_s.items()}
    told = ", ".join(f"{name} {ms:.1f}" for name, ms in each.items())
    whole = sum(each.values())
    print(f"processor time of an image on the page: {whole:.1f} ms ({told})")
    cores = os.cpu_count() or 1
    print(
        f"so {cores} cores with nothing else to do have room for {cores * 1e3 / whole:.0f} a second"
    )
    p50, p95 = np.percentile(asked_ms or [0], (50, 95))
    print(f"the page was asked for {len(asked_ms)} times: p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    print(PAPER)


def plot(found: Measured, path: Path) -> None:
    """Figures 7–9: latency by stage, throughput by stage, and from post to page, over the rate."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(
        1, 3, subplot_titles=("Images a second by stage", "p95 of each stage, s", "Post to page, s")
    )
    rates = [step.rate for step in found.steps]
    for stage in STAGES:
        figure.add_scatter(x=rates, y=found.done[stage], name=f"{stage}, images/s", row=1, col=1)
        p95 = [float(np.percentile(part, 95)) if len(part) else None for part in found.waits[stage]]
        figure.add_scatter(x=rates, y=p95, name=f"{stage}, p95", row=1, col=2)
    for papers in (8, 10):
        figure.add_hline(
            y=papers, line_dash="dot", annotation_text=f"paper: {papers}", row=1, col=1
        )
    for share in (50, 95):
        y = [float(np.percentile(part, share)) if len(part) else None for part in found.whole]
        figure.add_trace(go.Scatter(x=rates, y=y, name=f"post to page, p{share}"), row=1, col=3)
    figure.update_xaxes(title_text="posts a second")
    figure.write_html(path, include_plotlyjs=True)
    print(f"plot: {path}")

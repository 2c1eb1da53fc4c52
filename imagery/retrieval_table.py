"""Stored retrieval runs as a page shows them: one line per descriptor, runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from imagery.models import RetrievalRun
from imagery.retrieval import NAMES, paper_figure

SORTS = ("map", "name", "dims", "seconds")
CSV = (
    "descriptor",
    "network",
    "distance",
    "map",
    "low",
    "high",
    "plain",
    "trapezoid",
    "dims",
    "seconds",
    "paper",
    "note",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One descriptor: its row in each run, None where a run did not measure it."""

    descriptor: str
    network: str
    rows: list[dict[str, Any] | None]
    paper: float | None

    @property
    def name(self) -> str:
        return NAMES.get(self.descriptor, self.descriptor)

    @property
    def first(self) -> dict[str, Any]:
        """What it is whatever the run: of the first run that has it."""
        return next(row for row in self.rows if row is not None)

    @property
    def note(self) -> str:
        return next((row["note"] for row in self.rows if row and row["note"]), "")

    @property
    def ms(self) -> float | None:
        """Milliseconds a picture."""
        seconds = self.first["seconds"]
        return None if seconds is None else 1000 * seconds


def table(runs: Sequence[RetrievalRun], sort: str = "map") -> list[Line]:
    """Best of any run first, or by name, width, cost; what could not be had comes last."""
    found = [{(row["descriptor"], row["network"]): row for row in run.rows} for run in runs]
    keys = list(dict.fromkeys(key for rows in found for key in rows))
    lines = [
        Line(
            *key,
            [rows.get(key) for rows in found],
            next((paper_figure(run, key[0]) for run in runs if run.naming == "holidays"), None),
        )
        for key in keys
    ]
    return sorted(lines, key=lambda line: _place(line, sort))


def best(run: RetrievalRun) -> str:
    """The first of a run's table in words: "SNC 0.706"."""
    row = max(run.rows, key=lambda row: row["map"] or 0, default=None)
    return f"{NAMES[row['descriptor']]} {row['map']:.3f}" if row and row["map"] is not None else ""


def csv_rows(run: RetrievalRun) -> Iterator[list[object]]:
    """Under CSV, in the order of the run's table."""
    for row in run.rows:
        paper = paper_figure(run, row["descriptor"])
        known = {"distance": row["metric"], "paper": paper}
        yield [known.get(name, row.get(name)) for name in CSV]


def _place(line: Line, sort: str) -> tuple[bool, float | str, str]:
    figures = [row["map"] for row in line.rows if row and row["map"] is not None]
    if sort == "name" or not figures:
        return not figures, line.name.lower(), line.network
    by: dict[str, float] = {
        "map": -max(figures),
        "dims": line.first["dims"] or 0,
        "seconds": line.first["seconds"] or 0.0,
    }
    return False, by[sort], line.network

"""How well each descriptor finds the pictures of a group: `retrieval DIR [--backbone NAME]…`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from imagery import retrieval, supervisor
from imagery.backbone_names import BACKBONES
from imagery.core.retrieval_groups import NAMINGS
from imagery.models import RetrievalRun

SHOWN_PROBLEMS = 20


class Command(BaseCommand):
    help = (
        "Measure mean average precision of every descriptor on a folder of pictures in groups: "
        "named as INRIA Holidays, one folder for each group, or with labels.csv (file,label)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument(
            "--backbone",
            action="append",
            default=[],
            metavar="NAME",
            help="a torchvision classification network; may be given several times",
        )
        parser.add_argument("--naming", choices=NAMINGS, default="", help="told by itself if left")
        parser.add_argument("--json", action="store_true", help="print the run as JSON")
        parser.add_argument("--user", help="whose run it is, by user name")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder}: no such folder")
        for name in options["backbone"]:
            if name not in BACKBONES:
                raise CommandError(f"{name!r}: no such network; there are: {', '.join(BACKBONES)}")
        supervisor.prepare()
        user = self._user(options["user"])
        try:
            run = retrieval.measure(folder, options["naming"], options["backbone"], self._progress)
        except retrieval.NothingToMeasure as error:
            raise CommandError(str(error)) from None
        problems = run.problems
        retrieval.keep(run, user)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(run, problems), indent=2, ensure_ascii=False))
            return
        for name, reason in problems[:SHOWN_PROBLEMS]:
            self.stderr.write(f"left out: {name}: {reason}")
        if len(problems) > SHOWN_PROBLEMS:
            self.stderr.write(f"left out: {len(problems) - SHOWN_PROBLEMS:,} more; --json has all")
        self.stdout.write("\n".join(lines(run)))

    def _user(self, name: str | None) -> User | None:
        if name is None:
            return None
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"no user {name!r}")
        return user

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r\x1b[2K  {done:,} of {total:,} pictures{end}")
            sys.stderr.flush()


def lines(run: RetrievalRun) -> list[str]:
    """The table as text, best first, figures right-aligned."""
    heads = ["descriptor", "mAP", "95 %", "dims", "ms/picture", "distance"]
    paper = run.naming == "holidays"
    table = [heads + ["paper"] * paper]
    for row in run.rows:
        figure = retrieval.paper_figure(run, row["descriptor"])
        table.append(_cells(row) + [f"{figure:.2f}" if figure is not None else ""] * paper)
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    left = (0, 5)
    text = [
        f"{run.folder}: {run.n_images:,} pictures, {run.n_queries:,} queries in {run.n_groups:,} "
        f"groups, told by {run.naming}; average precision: {run.parameters['protocol']}",
        *(f"  {said}" for said in run.parameters["said"]),
        "",
    ]
    for row in table:
        cells = (
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        text.append("  ".join(cells).rstrip())
    notes = dict.fromkeys(row["note"] for row in run.rows if row["note"])
    return [*text, *(f"\n{note}" for note in notes), "", f"Run {run.pk}, {run.seconds:.1f} s"]


def _cells(row: dict[str, Any]) -> list[str]:
    name = retrieval.NAMES[row["descriptor"]]
    if row["network"]:
        name += f" {row['network']}"
    if row["map"] is None:
        return [name, "–", "no weights", "", "", ""]
    within = f"{row['low']:.3f}–{row['high']:.3f}" if row["low"] is not None else ""
    took = f"{1000 * row['seconds']:.1f}"
    return [name, f"{row['map']:.3f}", within, f"{row['dims']:,}", took, row["metric"]]


def as_json(run: RetrievalRun, problems: list[list[str]]) -> dict[str, Any]:
    """The run as stored, with every file that was left out."""
    names = ("folder", "naming", "n_images", "n_queries", "n_groups", "digest", "seconds")
    return {
        "run": run.pk,
        **{name: getattr(run, name) for name in names},
        "parameters": run.parameters,
        "versions": run.versions,
        "rows": [
            row | {"paper": retrieval.paper_figure(run, row["descriptor"])} for row in run.rows
        ],
        "left_out": [{"file": name, "reason": reason} for name, reason in problems],
    }

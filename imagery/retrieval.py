"""A folder of pictures in groups → how well each descriptor finds a picture's company.

Paper A, Table I: classic descriptors, Neural Codes and Softmax Neural Codes, ranked by Euclidean
distance; the product's hashes, by Hamming distance, and its own mix beside them for scale.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings

from imagery import look
from imagery.core import decode, descriptors, hashing, retrieval, retrieval_groups
from imagery.core.retrieval_groups import Member, Told
from imagery.core.weights import WeightsMissing
from imagery.models import RetrievalRun
from imagery.sources.base import BadRow
from imagery.sources.shelves import Entry, in_folder

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from imagery.core.backbones import Backbone

LABELS = "labels.csv"
SEED = 20150101
KEPT_PROBLEMS = 100
_AT_ONCE = 64  # pictures decoded before networks see them
# Paper A (Cavalin et al., "Organizing Images from Social Media to Monitor Real-World Events"),
# Table I: mAP on INRIA Holidays; NC and SNC by AlexNet of Caffe.
TABLE_1 = {"histogram": 0.17, "lbp": 0.22, "lpq": 0.28, "hog": 0.06, "nc": 0.54, "snc": 0.58}
HOLIDAYS_IMAGES, HOLIDAYS_QUERIES = 1491, 500
NAMES = {
    "histogram": "Histogram",
    "lbp": "LBP",
    "lpq": "LPQ",
    "hog": "HOG",
    "layout": "Colour layout",
    "classic": "Classic mix",
    "nc": "NC",
    "snc": "SNC",
    "phash": "pHash",
    "pdq": "PDQ",
}


class NothingToMeasure(ValueError):
    """The folder holds no pictures in groups; the text says what is wanted."""


@dataclass(slots=True)
class Column:
    """One descriptor's vectors, a row per picture, and the seconds they took together."""

    descriptor: str
    metric: str = "euclidean"
    network: str = ""
    note: str = ""
    of: Callable[[decode.Decoded], np.ndarray] | None = None
    vectors: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Network:
    """A backbone and its two columns, which one forward pass fills."""

    backbone: Backbone
    snc: Column
    nc: Column

    def see(self, seen: Sequence[decode.Decoded]) -> None:
        began = time.perf_counter()
        snc, nc = self.backbone.encode([self.backbone.prepare(one.pixels) for one in seen])
        took = time.perf_counter() - began
        for column, vectors in ((self.snc, snc), (self.nc, nc)):
            column.vectors.extend(vectors)
            column.seconds += took


@dataclass(slots=True)
class Described:
    """The pictures that could be read, in order, and what was seen of them."""

    members: list[Member] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    digest: str = ""
    decoding_s: float = 0.0


def measure(
    folder: Path,
    naming: str = "",
    backbones: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> RetrievalRun:
    """The table of one folder, not stored yet; its `problems` are all that were left out.

    naming: "holidays", "folders", "labels", or "" to tell it from the folder. backbones: names,
    the installation's own by default. Raises NothingToMeasure, or ValueError for an unknown
    network or naming.
    """
    began = time.perf_counter()
    entries, told, naming, problems = _find(folder, naming)
    columns, networks = _columns(tuple(backbones) or (settings.IMAGERY_BACKBONE,))
    described = _describe(told.members, entries, columns, networks, progress)
    members = described.members
    asked, said = retrieval_groups.queries(members)
    if not asked:
        raise NothingToMeasure(
            f"{folder}: none of its {len(members):,} readable pictures has another of its group"
        )
    _, groups = np.unique([member.group for member in members], return_inverse=True)
    protocol = "trapezoid" if naming == "holidays" else "plain"
    queries = np.array(asked, np.int64)
    rows = [_row(column, groups, queries, protocol) for column in columns]
    left_out = [*problems, *told.left_out, *described.problems]
    return RetrievalRun(
        folder=folder.resolve().name[:255],
        naming=naming,
        parameters={
            "protocol": protocol,
            "ties": "expected",
            "seed": SEED,
            "resamples": retrieval.RESAMPLES,
            "cores": os.cpu_count(),
            "decoding_s": described.decoding_s / len(members),
            "said": said,
        },
        versions=_versions(),
        digest=described.digest,
        n_images=len(members),
        n_queries=len(asked),
        n_groups=len(np.unique(groups[queries])),
        rows=sorted(rows, key=lambda row: -1 if row["map"] is None else row["map"], reverse=True),
        problems=[list(problem) for problem in left_out],
        seconds=time.perf_counter() - began,
    )


def keep(run: RetrievalRun, user: User | None = None) -> RetrievalRun:
    """Store a table. Of what was left out the first 100 are kept."""
    run.user = user
    run.parameters["n_left_out"] = len(run.problems)
    run.problems = run.problems[:KEPT_PROBLEMS]
    run.save()
    return run


def paper_figure(run: RetrievalRun, descriptor: str) -> float | None:
    """Table I's mAP beside ours, where the pictures are named as Holidays are."""
    return TABLE_1.get(descriptor) if run.naming == "holidays" else None


# Files ---------------------------------------------------------------------------------------


def _find(folder: Path, naming: str) -> tuple[dict[str, Entry], Told, str, list[tuple[str, str]]]:
    """Pictures by path, what names tell of them, how, and what cannot be opened."""
    entries: dict[str, Entry] = {}
    problems: list[tuple[str, str]] = []
    for entry in in_folder(folder):
        if isinstance(entry, BadRow):
            problems.append((folder.name, entry.reason))
        elif entry.named_as_picture:
            entries[entry.path] = entry
    paths = sorted(entries)
    if not paths:
        raise NothingToMeasure(f"{folder}: holds no pictures")
    table = folder / LABELS
    naming = naming or ("labels" if table.is_file() else retrieval_groups.naming_of(paths))
    if naming == "holidays":
        told = retrieval_groups.by_holidays(paths)
    elif naming == "folders":
        told = retrieval_groups.by_folders(paths)
    elif naming == "labels":
        told = retrieval_groups.by_labels(paths, _labels(table))
    elif not naming:
        raise NothingToMeasure(
            f"{folder}: nothing tells which of its {len(paths):,} pictures belong together. Want "
            f"one folder for each group, or names as in INRIA Holidays (100000.jpg), or {LABELS} "
            "with the columns file,label"
        )
    else:
        raise ValueError(f"want a naming of {retrieval_groups.NAMINGS}, got {naming!r}")
    return entries, told, naming, problems


def _labels(table: Path) -> dict[str, str]:
    try:
        return retrieval_groups.read_labels(table.read_text(encoding="utf-8"))
    except OSError as error:
        raise NothingToMeasure(f"{table}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NothingToMeasure(f"{table}: is not text in UTF-8") from None
    except ValueError as error:
        raise NothingToMeasure(f"{table}: {error}") from None


def _read(entry: Entry) -> bytes:
    """Raises Refused, which says why, where the file is not to be had."""
    if entry.size > settings.IMAGERY_MAX_BYTES:
        raise decode.Refused(f"is larger than {settings.IMAGERY_MAX_BYTES >> 20} MB")
    try:
        with entry.open() as file:
            return file.read()
    except OSError as error:
        raise decode.Refused(f"cannot be read: {error.strerror}") from None


# Vectors -------------------------------------------------------------------------------------


def _columns(backbones: Iterable[str]) -> tuple[list[Column], list[Network]]:
    """A column for each descriptor; those of a network without weights say why they are empty."""
    columns = [
        Column(name, of=partial(_of_pixels, of)) for name, of in descriptors.DESCRIPTORS.items()
    ]
    columns.append(Column("phash", "hamming", of=lambda seen: hashing.phash(seen.luma)))
    columns.append(Column("pdq", "hamming", of=lambda seen: hashing.pdq(seen.small)[0]))
    networks = []
    for name in dict.fromkeys(backbones):
        snc, nc = Column("snc", network=name), Column("nc", network=name)
        try:
            network = Network(look.backbone(name), snc, nc)
        except WeightsMissing as error:
            snc.note = nc.note = str(error)
        else:
            snc.network = nc.network = network.backbone.version
            networks.append(network)
        columns += [snc, nc]
    return columns, networks


def _of_pixels(descriptor: Callable[[np.ndarray], np.ndarray], seen: decode.Decoded) -> np.ndarray:
    return descriptor(seen.pixels)


def _describe(
    members: Sequence[Member],
    entries: dict[str, Entry],
    columns: Sequence[Column],
    networks: Sequence[Network],
    progress: Callable[[int, int], None] | None,
) -> Described:
    described = Described()
    digest = hashlib.sha256()
    for block in _blocks(members):
        seen = []
        for member in block:
            began = time.perf_counter()
            try:
                data = _read(entries[member.path])
                seen.append(decode.decode(data))
            except decode.Refused as error:
                described.problems.append((member.path, str(error)))
                continue
            described.decoding_s += time.perf_counter() - began
            described.members.append(member)
            digest.update(f"{member.path}\0{member.group}\0".encode())
            digest.update(hashlib.sha256(data).digest())
        _fill(columns, networks, seen)
        if progress:
            progress(len(described.members) + len(described.problems), len(members))
    described.digest = digest.hexdigest()
    return described


def _blocks(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    for at in range(0, len(members), _AT_ONCE):
        yield members[at : at + _AT_ONCE]


def _fill(
    columns: Sequence[Column], networks: Sequence[Network], seen: Sequence[decode.Decoded]
) -> None:
    for column in columns:
        if column.of is not None:
            began = time.perf_counter()
            column.vectors.extend(column.of(one) for one in seen)
            column.seconds += time.perf_counter() - began
    for network in networks:
        network.see(seen)


# Rows ----------------------------------------------------------------------------------------


def _row(column: Column, groups: np.ndarray, queries: np.ndarray, protocol: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "descriptor": column.descriptor,
        "network": column.network,
        "metric": column.metric,
        "map": None,
        "low": None,
        "high": None,
        "plain": None,
        "trapezoid": None,
        "dims": None,
        "seconds": None,
        "note": column.note,
    }
    if not column.vectors:
        return row
    vectors = np.stack(column.vectors)
    column.vectors.clear()
    found = retrieval.score(vectors, groups, queries, column.metric)
    scores = {"plain": found.plain, "trapezoid": found.trapezoid}
    within = retrieval.interval(scores[protocol], groups[queries], np.random.default_rng(SEED))
    bits = 8 if column.metric == "hamming" else 1
    return row | {
        "map": float(scores[protocol].mean()),
        "low": within[0] if within else None,
        "high": within[1] if within else None,
        "plain": float(found.plain.mean()),
        "trapezoid": float(found.trapezoid.mean()),
        "dims": vectors.shape[1] * bits,
        "seconds": column.seconds / len(vectors),
    }


def _versions() -> dict[str, str]:
    libraries = ("numpy", "scipy", "scikit-image", "pillow", "torch", "torchvision", "openvino")
    found = {"afterimage": settings.VERSION, "classic": descriptors.VERSION, **hashing.ALGORITHMS}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found

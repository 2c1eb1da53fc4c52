"""Versions: what is found and at what cost; how the search for candidates grows.

`--truth DIR` holds truth.csv (file, source, kind, strength) and images/: pairs of files with one
source are versions. Without it, edits of scikit-image's photographs are measured alike.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from benchmarks._pictures import make_files
from imagery.core import decode, edits, features, placements, version_links
from imagery.core.feature_codes import ROW, rows_of
from imagery.core.feature_index import FeatureIndex
from imagery.core.verification import Picture, picture_of, verify

THUMBNAIL = 320


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    data: bytes
    source: str
    kind: str


def from_truth(folder: Path) -> Iterator[Sample]:
    with (folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            kind = row["kind"] if row["strength"] == "strong" else "mild"
            data = (folder / "images" / row["file"]).read_bytes()
            yield Sample(row["file"], data, row["source"], kind)


def made(n_sources: int, folder: Path) -> Iterator[Sample]:
    """Each picture with one copy by every edit."""
    rng = np.random.default_rng(1)
    for path in make_files(folder, n_sources):
        pixels = np.asarray(Image.open(path))
        for name, edit in edits.EDITS.items():
            out = io.BytesIO()
            Image.fromarray(edits.apply(name, pixels, rng)).save(out, "JPEG", quality=82)
            kind = name if edit.strength == "strong" else "mild"
            yield Sample(f"{path.stem}-{name}", out.getvalue(), path.stem, kind)


def thumbnails(samples: list[Sample]) -> list[np.ndarray | None]:
    """What looking leaves behind; None for files that are refused."""
    found: list[np.ndarray | None] = []
    for sample in samples:
        try:
            small = decode.thumbnail(decode.decode(sample.data).small, THUMBNAIL)[0]
            found.append(np.asarray(Image.open(io.BytesIO(small)).convert("RGB")))
        except decode.Refused:
            found.append(None)
    return found


def find(pictures: list[Picture]) -> tuple[list[tuple[int, int]], int, list[float]]:
    """Pairs that are in one set, how many pairs were examined, and seconds of each step."""
    clock = [time.process_time()]
    rows = [rows_of(picture.features) for picture in pictures]
    mirrored = [rows_of(picture.features.mirrored()) for picture in pictures]
    found = FeatureIndex(rows).search(rows, mirrored)
    clock.append(time.process_time())
    proofs, apart, n = [], [], 0
    for image, other, turned in zip(
        found.query.tolist(), found.owner.tolist(), found.mirrored.tolist(), strict=True
    ):
        if other >= image:
            continue
        n += 1
        verified = verify(pictures[image], pictures[other], turned)
        if verified is None:
            continue
        placement = placements.from_transform(verified.transform, verified.mirrored)
        if verified.verdict == "differs" or placement is None:
            apart.append((image, other))
        else:
            proofs.append(version_links.Proof(image, other, placement, verified.inliers))
    clock.append(time.process_time())
    names = {i: f"{i:09}" for i in range(len(pictures))}
    held = version_links.links(proofs, apart, names)
    clock.append(time.process_time())
    pairs = [(proofs[i].image, proofs[i].other) for i in held]
    return pairs, n, np.diff(clock).tolist()


def sets_of(pairs: list[tuple[int, int]], n: int) -> np.ndarray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def accuracy(samples: list[Sample], label: np.ndarray) -> None:
    source = np.unique([sample.source for sample in samples], return_inverse=True)[1]
    kinds = np.array([sample.kind for sample in samples])
    one, two = np.triu_indices(len(samples), 1)
    same, got = source[one] == source[two], label[one] == label[two]
    hits = same & got
    print(f"pair recall    {hits.sum() / same.sum():.4f} of {same.sum():,} pairs")
    print(f"pair precision {hits.sum() / max(1, got.sum()):.4f}, false {(got & ~same).sum():,}")
    parts = defaultdict(float)
    for kind in np.unique(kinds):
        of = same & ((kinds[one] == kind) | (kinds[two] == kind))
        parts[kind] = (hits & of).sum() / max(1, of.sum())
    print("recall by edit: " + ", ".join(f"{kind} {share:.3f}" for kind, share in parts.items()))


def growth(real: list[np.ndarray], sizes: list[int]) -> None:
    """Search among features shaped as real ones: words as common, places at random."""
    rng = np.random.default_rng(2)
    every = np.concatenate(real)
    print("candidates among n pictures, 100 features each, plain and mirrored:")
    for n in sizes:
        rows = every[rng.integers(0, len(every), n * 100)]
        # The last bits anew: like features of other pictures, not copies of these.
        noise = rng.integers(0, 2**32, len(rows), np.uint64)
        rows["code"] ^= noise & rng.integers(0, 2**32, len(rows), np.uint64)
        for name, high in (("x", 200), ("y", 200), ("turn", 256)):
            rows[name] = rng.integers(0, high, len(rows))
        begun = time.process_time()
        index = FeatureIndex(list(rows.reshape(-1, 100)))
        built = time.process_time() - begun
        asked = list(rows.reshape(-1, 100)[: min(n, 256)])
        begun = time.process_time()
        found = index.search(asked, asked)
        searched = (time.process_time() - begun) / len(asked)
        others = len(found.query) / len(asked) - 1
        print(
            f"{n:>9,}  built in {built:6.2f} s, {len(rows) * (ROW.itemsize + 8) / 1e6:6.0f} MB,"
            f" {searched * 1000:6.2f} ms a picture, {others:.2f} others found"
        )


def main(arguments: list[str]) -> None:
    import tempfile

    import cv2

    parser = argparse.ArgumentParser(prog="versions")
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--sources", type=int, default=16, help="made pictures, without --truth")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as folder:
        given = from_truth(options.truth) if options.truth else made(options.sources, Path(folder))
        samples = list(given)
    seen = thumbnails(samples)
    samples = [sample for sample, pixels in zip(samples, seen, strict=True) if pixels is not None]
    with threadpool_limits(1):
        begun = time.process_time()
        pictures = [picture_of(pixels) for pixels in seen if pixels is not None]
        described = time.process_time() - begun
        pairs, n_pairs, seconds = find(pictures)
        accuracy(samples, sets_of(pairs, len(pictures)))
        n = len(pictures)
        steps = [
            ("describe", described),
            *zip(("search", "examine", "settle"), seconds, strict=True),
        ]
        print(f"{n:,} pictures, {n_pairs / n:.1f} pairs examined for each, ms of one core each:")
        print("  " + ", ".join(f"{name} {1000 * s / n:.2f}" for name, s in steps))
        kept = np.mean([len(features.pack(picture.features)) for picture in pictures])
        print(f"  features kept: {kept / 1000:.1f} kB a picture")
        growth([rows_of(picture.features) for picture in pictures], options.sizes)

from pathlib import Path

import numpy as np
import pytest

from imagery import look, retrieval
from imagery.core.weights import WeightsMissing
from imagery.models import RetrievalRun
from imagery.retrieval import NothingToMeasure, keep, measure
from tests.pictures import jpeg, photo, smaller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_weights(monkeypatch) -> None:
    def missing(name: str) -> None:
        raise WeightsMissing(f"No weights for {name} in this test")

    monkeypatch.setattr(look, "backbone", missing)


class ByColour:
    """In a network's place: the mean colour as NC, its square as SNC."""

    version = "bycolour@1"

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.mean(axis=(0, 1), dtype=np.float32) / 255

    def encode(self, batch: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        nc = np.stack(batch)
        return nc**2, nc


@pytest.fixture
def holidays(tmp_path: Path) -> Path:
    """Three groups of a picture and two edits of it, and a seventh picture of its own."""
    folder = tmp_path / "holidays" / "jpg"
    folder.mkdir(parents=True)
    for group in range(3):
        picture = photo(group)
        for at, edit in enumerate((picture, smaller(picture), smaller(picture, 0.5))):
            (folder / f"{1000 + group}{at:02}.jpg").write_bytes(jpeg(edit, 80))
    (folder / "200000.jpg").write_bytes(jpeg(photo(9)))
    return folder.parent


def row(run: RetrievalRun, descriptor: str) -> dict:
    return next(row for row in run.rows if row["descriptor"] == descriptor)


def test_edits_of_a_picture_are_found(holidays: Path):
    run = measure(holidays)
    assert (run.naming, run.n_images, run.n_queries, run.n_groups) == ("holidays", 10, 3, 3)
    assert run.parameters["said"] == ["1 group (2000) of one picture, with nothing to find"]
    assert run.folder == "holidays"
    for name in ("histogram", "classic", "phash", "pdq"):
        assert row(run, name)["map"] == 1.0, name
    assert row(run, "phash")["dims"] == 64
    assert row(run, "pdq")["metric"] == "hamming"
    assert row(run, "hog")["seconds"] > 0
    figures = [one["map"] for one in run.rows if one["map"] is not None]
    assert figures == sorted(figures, reverse=True)


def test_without_weights_the_networks_say_why(holidays: Path):
    run = measure(holidays)
    for name in ("snc", "nc"):
        assert row(run, name)["map"] is None
        assert "No weights for mobilenet_v2" in row(run, name)["note"]
    assert run.rows[-1]["map"] is None


def test_a_network_gives_both_codes(holidays: Path, monkeypatch):
    monkeypatch.setattr(look, "backbone", lambda name: ByColour())
    run = measure(holidays, backbones=["mobilenet_v2"])
    assert row(run, "nc")["network"] == "bycolour@1"
    assert row(run, "nc")["dims"] == 3
    assert row(run, "nc")["map"] == row(run, "snc")["map"] == 1.0


def test_bad_files_are_named_and_the_rest_goes_on(holidays: Path):
    (holidays / "jpg" / "100002.jpg").write_bytes(b"<html>not a picture</html>")
    (holidays / "jpg" / "cover.jpg").write_bytes(jpeg(photo(4)))
    (holidays / "readme.txt").write_text("about")
    run = measure(holidays)
    assert run.n_images == 9
    assert [name for name, _ in run.problems] == ["jpg/cover.jpg", "jpg/100002.jpg"]
    assert row(run, "pdq")["map"] == 1.0


def test_a_group_whose_query_is_bad_is_asked_nothing(holidays: Path):
    (holidays / "jpg" / "100000.jpg").write_bytes(b"\xff\xd8\xff")
    run = measure(holidays)
    assert run.n_queries == 2
    assert "1 group (1000) without a query" in run.parameters["said"]


def test_folders_ask_with_every_picture(tmp_path: Path):
    for name, seed in (("sea", 1), ("hill", 2)):
        (tmp_path / name).mkdir()
        for at, share in enumerate((1, 0.7, 0.5)):
            (tmp_path / name / f"{at}.jpg").write_bytes(jpeg(smaller(photo(seed), share)))
    run = measure(tmp_path)
    assert (run.naming, run.n_queries, run.parameters["protocol"]) == ("folders", 6, "plain")


def test_a_table_tells_groups(tmp_path: Path):
    (tmp_path / "images").mkdir()
    for at in range(4):
        (tmp_path / "images" / f"{at}.jpg").write_bytes(jpeg(photo(at // 2)))
    (tmp_path / "labels.csv").write_text("file,label\n0.jpg,a\n1.jpg,a\n2.jpg,b\ngone.jpg,b\n")
    run = measure(tmp_path)
    assert (run.naming, run.n_images, run.n_queries) == ("labels", 3, 2)
    assert [name for name, _ in run.problems] == ["images/3.jpg", "gone.jpg"]


def test_the_digest_is_of_names_groups_and_bytes(holidays: Path):
    before = measure(holidays).digest
    assert measure(holidays).digest == before
    (holidays / "jpg" / "100001.jpg").write_bytes(jpeg(photo(0), 70))
    assert measure(holidays).digest != before


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, "holds no pictures"),
        ({"a.jpg": b"", "b.jpg": b""}, "nothing tells which of its 2 pictures"),
        ({"a/a.jpg": jpeg(photo(0)), "b/b.jpg": jpeg(photo(1))}, "none of its 2 readable"),
        ({"a/a.jpg": b"?", "a/b.jpg": b"?"}, "none of its 0 readable"),
        ({"a.jpg": b"", "labels.csv": b"file\n"}, "labels.csv: .*header row"),
        ({"a.jpg": b"", "labels.csv": b"file,label\n\xff,a\n"}, "labels.csv: is not text"),
    ],
)
def test_a_folder_without_groups_says_what_is_wanted(tmp_path: Path, files: dict, wanted: str):
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(NothingToMeasure, match=wanted):
        measure(tmp_path)


def test_labels_asked_for_and_not_there(holidays: Path):
    with pytest.raises(NothingToMeasure, match=r"labels\.csv: No such file"):
        measure(holidays, "labels")


def test_a_stored_run_keeps_the_first_problems(holidays: Path, owner, monkeypatch):
    monkeypatch.setattr(retrieval, "KEPT_PROBLEMS", 1)
    for name in ("cover.jpg", "other.jpg"):
        (holidays / "jpg" / name).write_bytes(b"")
    run = RetrievalRun.objects.get(pk=keep(measure(holidays), owner).pk)
    assert run.parameters["n_left_out"] == 2
    assert len(run.problems) == 1
    assert run.user == owner
    assert str(holidays.parent) not in f"{run.folder}{run.problems}{run.parameters}"


def test_the_papers_figures_stand_beside_holidays_alone(holidays: Path):
    run = measure(holidays)
    assert retrieval.paper_figure(run, "snc") == 0.58
    assert retrieval.paper_figure(run, "pdq") is None
    run.naming = "folders"
    assert retrieval.paper_figure(run, "snc") is None

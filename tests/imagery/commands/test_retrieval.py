import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from imagery import look
from imagery.core.weights import WeightsMissing
from imagery.models import RetrievalRun
from tests.pictures import jpeg, photo, smaller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_weights(monkeypatch) -> None:
    def missing(name: str) -> None:
        raise WeightsMissing(f"No weights for {name} in this test")

    monkeypatch.setattr(look, "backbone", missing)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for group in (1000, 1001):
        for at, share in enumerate((1, 0.6)):
            name = tmp_path / f"{group}{at:02}.jpg"
            name.write_bytes(jpeg(smaller(photo(group), share)))
    (tmp_path / "100002.jpg").write_bytes(b"no picture")
    return tmp_path


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("retrieval", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_table_is_aligned_and_stored(folder: Path, owner):
    out, err = run(str(folder), "--user", owner.username)
    table = out.splitlines()
    head = next(line for line in table if line.startswith("descriptor"))
    body = [line for line in table if line.startswith(("Histogram", "LBP", "HOG", "PDQ"))]
    assert len(body) == 4
    end = head.index("mAP") + 3  # figures end where their heading does
    assert all(0 <= float(line[end - 5 : end]) <= 1 and line[end] == " " for line in body)
    assert next(line for line in body if line.startswith("LBP")).endswith("0.22")
    assert "No weights for mobilenet_v2" in out
    assert "left out: 100002.jpg" in err
    stored = RetrievalRun.objects.get()
    assert stored.user == owner
    assert f"Run {stored.pk}" in out


def test_json_holds_everything(folder: Path):
    out, _ = run(str(folder), "--json")
    found = json.loads(out)
    assert found["n_queries"] == 2
    assert found["left_out"][0]["file"] == "100002.jpg"
    by_name = {row["descriptor"]: row for row in found["rows"]}
    assert by_name["pdq"]["map"] == 1.0
    assert by_name["snc"]["map"] is None
    assert by_name["snc"]["paper"] == 0.58


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/at/all"], "no such folder"),
        (["{}", "--backbone", "resnet1"], "'resnet1': no such network"),
        (["{}", "--user", "nobody"], "no user 'nobody'"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, arguments: list[str], said: str):
    with pytest.raises(CommandError, match=said):
        run(*(argument.format(tmp_path) for argument in arguments))
    assert not RetrievalRun.objects.exists()


def test_an_empty_folder_is_no_traceback(tmp_path: Path):
    with pytest.raises(CommandError, match="holds no pictures"):
        run(str(tmp_path))

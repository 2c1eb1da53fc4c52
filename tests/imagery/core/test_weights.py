import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from imagery.core import weights
from imagery.core.weights import Published, WeightsMissing

NO_TRANSFORM = None


def spec(url: str) -> Published:
    return Published("tiny", url, ["a", "b"], NO_TRANSFORM, (1, 1))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the local address that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def saved(path: Path, value: object) -> str:
    torch.save(value, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_file_at_hand_comes_first(tmp_path: Path) -> None:
    digest = saved(tmp_path / "tiny.pth", {"w": torch.ones(2)})
    state, found, path = weights.find(spec("http://x.invalid/t-00000000.pth"), tmp_path, None, 1)
    assert state["w"].tolist() == [1, 1]
    assert found == digest
    assert path == tmp_path / "tiny.pth"


def test_downloads_once_and_keeps_the_file(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = served
    digest = saved(folder / "new", {"w": torch.zeros(1)})
    name = f"tiny-{digest[:8]}.pth"
    (folder / "new").rename(folder / name)
    cache = tmp_path / "cache"
    assert weights.find(spec(f"{url}/{name}"), None, cache, 2)[1] == digest
    (folder / name).unlink()
    assert weights.find(spec(f"{url}/{name}"), None, cache, 2)[2] == cache / name


def test_a_download_with_another_hash_is_refused(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = served
    saved(folder / "tiny-deadbeef.pth", {"w": torch.zeros(1)})
    with pytest.raises(WeightsMissing, match="hash"):
        weights.find(spec(f"{url}/tiny-deadbeef.pth"), None, tmp_path / "cache", 2)
    assert not list((tmp_path / "cache").glob("*.pth"))


def test_says_what_the_server_answered(served: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="answered 404"):
        weights.find(spec(f"{served[1]}/tiny-00000000.pth"), None, tmp_path, 2)


def test_no_network_is_found_out_in_seconds(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(WeightsMissing) as caught:
        # 192.0.2.0/24 is set aside for documentation: nobody answers there.
        weights.find(spec("http://192.0.2.1/tiny-00000000.pth"), tmp_path, tmp_path / "c", 0.5)
    assert time.monotonic() - start < 4
    said = str(caught.value)
    for part in (str(tmp_path / "tiny.pth"), "192.0.2.1", "IMAGERY_WEIGHTS_DIR", "tiny.pth"):
        assert part in said


def test_a_look_up_that_never_returns_is_left_behind() -> None:
    assert "no answer" in weights._within(0.2, lambda: time.sleep(2))


def test_without_any_folder_says_so() -> None:
    with pytest.raises(WeightsMissing, match=r"none is set.*no cache folder is set"):
        weights.find(spec("http://x.invalid/t.pth"), None, None, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><p>Not found", "web page"),
        (b"", "no readable weights"),
        (b"\x80\x02]q\x00.", "not a model's state dict|no readable weights"),
        (b"PK\x03\x04 and then nothing", "no readable weights"),
    ],
)
def test_what_is_no_weights_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "tiny.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsMissing, match=said) as caught:
        weights.read(path)
    assert str(path) in str(caught.value)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tiny.pth"
    saved(path, {"w": torch.zeros(5000)})
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(WeightsMissing, match="cut short"):
        weights.read(path)
    with pytest.raises(WeightsMissing, match="cut short or altered"):
        weights.read(path, "00000000")


def test_runs_no_code_from_a_file(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    saved(tmp_path / "tiny.pth", Harmful())
    with pytest.raises(WeightsMissing):
        weights.read(tmp_path / "tiny.pth")
    assert not (tmp_path / "ran").exists()


def test_a_list_is_not_a_state_dict(tmp_path: Path) -> None:
    saved(tmp_path / "tiny.pth", [1, 2])
    with pytest.raises(WeightsMissing, match="holds a list"):
        weights.read(tmp_path / "tiny.pth")


def test_old_densenet_names_are_brought_up_to_date(tmp_path: Path) -> None:
    saved(tmp_path / "d.pth", {"f.denselayer1.norm.1.weight": torch.zeros(1)})
    assert list(weights.read(tmp_path / "d.pth")[0]) == ["f.denselayer1.norm1.weight"]


def test_published_knows_classes_and_preset_without_network() -> None:
    found = weights.published("mobilenet_v2")
    assert found.classes[0] == "tench" and len(found.classes) == 1000
    assert found.transforms.resize_size == [256] and found.transforms.crop_size == [224]
    with pytest.raises(ValueError, match="'resnet9000'"):
        weights.published("resnet9000")


def test_available_has_the_papers_models() -> None:
    assert {"mobilenet_v2", "vgg16", "alexnet"} <= set(weights.available())

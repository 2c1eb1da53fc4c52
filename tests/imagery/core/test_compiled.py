"""Networks kept for the next process: found by their weights, refused when damaged."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from imagery.core import backbones, compiled
from imagery.core.torchvision_ready import import_torchvision

ROOT = Path(__file__).parents[3]
NAME = "squeezenet1_1"
READY = [np.random.default_rng(2).integers(0, 256, (224, 224, 3), dtype=np.uint8)]


def save_weights(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    model = import_torchvision().models.get_model(NAME, weights=None)
    torch.save(model.state_dict(), folder / f"{NAME}.pth")


@pytest.fixture
def load(tmp_path: Path) -> Callable[[], backbones.Backbone]:
    save_weights(tmp_path, 3)
    return lambda: backbones.load(NAME, weights_dir=tmp_path, cache_dir=tmp_path, device="cpu")


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], list[Path]]:
    return lambda: sorted((tmp_path / "compiled").iterdir())


def no_torch(*_: object) -> None:
    raise AssertionError("built by torch")


def test_a_second_process_needs_no_torch(tmp_path: Path, load) -> None:
    first = load()
    np.save(tmp_path / "ready.npy", READY[0])
    code = (
        "import sys, numpy as np; from pathlib import Path; from imagery.core import backbones\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "if not backbones._gpu_at_hand():\n"
        f"    backbones.import_runtime({NAME!r}, weights_dir=folder, cache_dir=folder)\n"
        f"made = backbones.load({NAME!r}, weights_dir=folder, cache_dir=folder, device='cpu')\n"
        "assert 'torch' not in sys.modules\n"
        "snc, nc = made.encode([np.load(folder / 'ready.npy')])\n"
        "np.savez(folder / 'found.npz', snc=snc, nc=nc)\n"
        "print(made.version, len(made.classes), made.d, made.preset)"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{first.version} 1000 512 {first.preset}"
    snc, nc = first.encode(READY)
    with np.load(tmp_path / "found.npz") as found:
        assert np.array_equal(found["snc"], snc) and np.array_equal(found["nc"], nc)


def test_other_weights_are_converted_anew(tmp_path: Path, load, kept) -> None:
    first = load()
    save_weights(tmp_path, 4)
    second = load()
    assert second.version != first.version
    assert not np.array_equal(second.encode(READY)[0], first.encode(READY)[0])
    assert len(kept()) == 2


@pytest.mark.parametrize("damage", ["network.xml", "network.bin", "about.json"])
def test_a_damaged_one_is_made_anew(damage: str, load, kept) -> None:
    first = load()
    whole = (kept()[0] / damage).read_bytes()
    assert len(whole) > 1000
    (kept()[0] / damage).write_bytes(whole[:40])
    assert np.array_equal(load().encode(READY)[0], first.encode(READY)[0])
    assert len((kept()[0] / damage).read_bytes()) > 1000
    assert [folder.name[:13] for folder in kept()] == [NAME]


def test_a_kept_one_is_used(load, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    monkeypatch.setattr(backbones.networks, "build", no_torch)
    assert load().encode(READY)[0].shape == (1, 1000)


def test_without_its_weights_it_is_not_used(tmp_path: Path, load) -> None:
    load()
    (tmp_path / f"{NAME}.pth").unlink()
    assert compiled.find(NAME, tmp_path / "compiled", tmp_path, tmp_path) is None


def test_a_folder_that_takes_nothing_does_no_harm(tmp_path: Path, load) -> None:
    (tmp_path / "compiled").write_text("a file where a folder should be")
    assert load().encode(READY)[1].shape == (1, 512)


@pytest.mark.parametrize(
    "name", ["efficientnet_b0", pytest.param("vit_b_32", marks=pytest.mark.slow)]
)
def test_other_kinds_of_network_convert(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = import_torchvision().models.get_model(name, weights=None)
    torch.save(model.state_dict(), tmp_path / f"{name}.pth")
    made = backbones.load(name, weights_dir=tmp_path, cache_dir=tmp_path, device="cpu")
    assert isinstance(made._run, compiled.CompiledPass)
    assert made.encode(READY)[1].shape == (1, made.d)

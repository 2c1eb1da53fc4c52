from pathlib import Path

import numpy as np
import pytest
import torch

from imagery.core import backbones, compiled, weights
from imagery.core.backbones import Backbone, WeightsMissing
from imagery.core.torchvision_ready import import_torchvision


def save_made_up(name: str, folder: Path) -> None:
    """Numbers in the shape of a model's weights: for shapes and sameness, not for meaning."""
    torch.manual_seed(3)
    model = import_torchvision().models.get_model(name, weights=None)
    torch.save(model.state_dict(), folder / f"{name}.pth")


def made_up(name: str, folder: Path) -> Backbone:
    save_made_up(name, folder)
    return backbones.load(name, weights_dir=folder, device="cpu")


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return made_up("mobilenet_v2", tmp_path_factory.mktemp("weights"))


@pytest.fixture
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    flats = [np.full((50, 80, 3), value, np.uint8) for value in (0, 255)]
    return [rng.integers(0, 256, (60 + 7 * i, 90, 3), dtype=np.uint8) for i in range(19)] + flats


def test_snc_are_probabilities_and_nc_have_length_one(
    mobilenet: Backbone, pictures: list[np.ndarray]
) -> None:
    snc, nc = mobilenet.encode([mobilenet.prepare(p) for p in pictures[:3]])
    assert (snc.shape, snc.dtype) == ((3, 1000), np.float32)
    assert (nc.shape, nc.dtype) == ((3, 1280), np.float32)
    np.testing.assert_allclose(snc.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(nc, axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_its_companions(
    mobilenet: Backbone, pictures: list[np.ndarray]
) -> None:
    ready = [mobilenet.prepare(p) for p in pictures]
    snc, nc = mobilenet.encode(ready)
    for order in ([4], [7, 4, 9], [4] * 16, [*range(20, 4, -1), 4], list(range(21))[::-1]):
        other_snc, other_nc = mobilenet.encode([ready[i] for i in order])
        at = order.index(4)
        assert np.array_equal(other_snc[at], snc[4])
        assert np.array_equal(other_nc[at], nc[4])


def test_no_pictures_give_no_rows(mobilenet: Backbone) -> None:
    snc, nc = mobilenet.encode([])
    assert snc.shape == (0, 1000) and nc.shape == (0, 1280)


@pytest.mark.parametrize("shape", [(300, 400), (400, 300), (230, 3000), (9, 14), (224, 224)])
def test_prepare_is_torchvisions_own_transform(mobilenet: Backbone, shape: tuple[int, int]) -> None:
    from PIL import Image
    from torchvision.transforms import functional

    pixels = np.random.default_rng(5).integers(0, 256, (*shape, 3), dtype=np.uint8)
    theirs = functional.center_crop(functional.resize(Image.fromarray(pixels), [256]), [224])
    difference = np.abs(mobilenet.prepare(pixels).astype(int) - np.asarray(theirs))
    assert difference.max() <= 1


def test_prepare_keeps_one_pixel_and_refuses_none(mobilenet: Backbone) -> None:
    assert mobilenet.prepare(np.full((1, 1, 3), 9, np.uint8)).tolist() == [[[9] * 3] * 224] * 224
    with pytest.raises(ValueError, match="without pixels"):
        mobilenet.prepare(np.zeros((0, 5, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        mobilenet.prepare(np.zeros((4, 4), np.uint8))


def test_encode_names_the_picture_that_is_not_prepared(
    mobilenet: Backbone, pictures: list[np.ndarray]
) -> None:
    with pytest.raises(ValueError, match="picture 1"):
        mobilenet.encode([mobilenet.prepare(pictures[0]), pictures[1]])


def test_version_names_the_weights(mobilenet: Backbone, tmp_path: Path) -> None:
    assert mobilenet.name == "mobilenet_v2"
    assert mobilenet.version.startswith("mobilenet_v2@") and len(mobilenet.version) == 21
    assert len(mobilenet.classes) == 1000 and mobilenet.classes[207] == "golden retriever"


@pytest.mark.parametrize(
    ("name", "d"), [("squeezenet1_1", 512), ("resnet18", 512), ("mobilenet_v3_small", 1024)]
)
def test_one_pass_agrees_with_the_plain_model(name: str, d: int, tmp_path: Path) -> None:
    made = made_up(name, tmp_path)
    pixels = np.random.default_rng(2).integers(0, 256, (240, 300, 3), dtype=np.uint8)
    ready = made.prepare(pixels)
    snc, nc = made.encode([ready])
    assert nc.shape == (1, d)
    model = import_torchvision().models.get_model(name, weights=None)
    model.load_state_dict(torch.load(tmp_path / f"{name}.pth", weights_only=True))
    mean, std = torch.tensor(made.preset.mean), torch.tensor(made.preset.std)
    x = ((torch.from_numpy(ready.copy()) / 255 - mean) / std).permute(2, 0, 1)[None]
    with torch.inference_mode():
        plain = torch.softmax(model.eval()(x), dim=1).numpy()
    np.testing.assert_allclose(snc, plain, rtol=0.05, atol=1e-5)  # bfloat16 has 8 bits


def test_the_papers_model_gives_4096(tmp_path: Path) -> None:
    assert made_up("alexnet", tmp_path).d == 4096


def test_weights_of_another_model_are_named(tmp_path: Path) -> None:
    save_made_up("squeezenet1_1", tmp_path)
    (tmp_path / "squeezenet1_1.pth").rename(tmp_path / "resnet18.pth")
    with pytest.raises(WeightsMissing, match=r"resnet18\.pth does not fit resnet18: Missing key"):
        backbones.load("resnet18", weights_dir=tmp_path)


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    save_made_up("squeezenet1_1", tmp_path)
    path = tmp_path / "squeezenet1_1.pth"
    state = torch.load(path, weights_only=True)
    torch.save({key: torch.full_like(value, float("nan")) for key, value in state.items()}, path)
    with pytest.raises(WeightsMissing, match="no finite vectors"):
        backbones.load("squeezenet1_1", weights_dir=tmp_path, device="cpu")


def test_missing_weights_are_never_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_download", lambda *_: "no network")
    with pytest.raises(WeightsMissing, match="no network"):
        backbones.load("mobilenet_v2", weights_dir=tmp_path, cache_dir=tmp_path)


def test_torch_and_openvino_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenVINO torch runs the network, under the same version."""
    by_openvino = made_up("resnet18", tmp_path)
    monkeypatch.setattr(compiled, "installed", lambda: False)
    by_torch = backbones.load("resnet18", weights_dir=tmp_path, device="cpu")
    assert by_torch.version == by_openvino.version
    pixels = np.random.default_rng(4).integers(0, 256, (240, 300, 3), dtype=np.uint8)
    ready = [by_torch.prepare(pixels), by_torch.prepare(pixels[::-1])]
    for one, other in zip(by_torch.encode(ready), by_openvino.encode(ready), strict=True):
        cosines = (one * other).sum(axis=1)
        cosines /= np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        assert cosines.min() > 0.995
    alone = [rows[0] for rows in by_torch.encode(ready[:1])]
    assert all(np.array_equal(a, b[0]) for a, b in zip(alone, by_torch.encode(ready), strict=True))

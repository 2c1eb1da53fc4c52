"""Joined convolutions give what the plain ones give."""

import pytest

from imagery.core import onednn
from imagery.core.torchvision_ready import import_torchvision

NAMES = ["mobilenet_v2", "resnet18", "squeezenet1_1", "alexnet", "efficientnet_b0", "mnasnet0_5"]


def _able() -> bool:
    import torch

    return bool(torch.cpu.get_capabilities().get("avx512_bf16")) and onednn._available()


def _traced(name: str):
    import torch
    from torch.fx.experimental import optimization

    torch.manual_seed(3)
    model = import_torchvision().models.get_model(name, weights=None).eval()
    model = optimization.fuse(model).to(torch.bfloat16)
    return model.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers(name):
    import torch

    if not _able():
        pytest.skip("this processor does not compute in bfloat16")
    model = _traced(name)
    x = torch.randn(2, 3, 224, 224).to(torch.bfloat16)
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        plain = model(x).float()
        assert onednn.join(model) >= 5
        joined = model(x).float()
    scale = plain.abs().max()
    assert scale > 0
    assert ((joined - plain).abs().max() / scale) < 0.02


def test_a_layer_named_aside_and_an_untraced_model_are_left():
    import torch
    from torch import nn

    if not _able():
        pytest.skip("this processor does not compute in bfloat16")
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).to(torch.bfloat16)
    assert onednn.join(plain) == 0
    traced = torch.fx.symbolic_trace(plain)
    assert onednn.join(traced, leave=[traced.get_submodule("0")]) == 0
    assert onednn.join(traced) == 1
    assert type(traced.get_submodule("1")) is nn.Identity

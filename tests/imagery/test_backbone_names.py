"""Names of backbones shown on pages are torchvision's."""

from imagery.backbone_names import BACKBONES, FIRST, choices


def test_they_are_torchvisions_own() -> None:
    from imagery.core.torchvision_ready import import_torchvision

    import_torchvision()
    from torchvision import models

    assert sorted(BACKBONES) == sorted(models.list_models(module=models))


def test_the_papers_come_first_and_a_stored_name_is_kept() -> None:
    names = [name for name, _ in choices("my_own_net")]
    assert names[:4] == ["my_own_net", *FIRST]
    assert len(names) == len(set(names)) == len(BACKBONES) + 1
    assert len(choices("resnet50")) == len(BACKBONES)

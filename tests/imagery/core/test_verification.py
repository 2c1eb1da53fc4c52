import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imagery.core import edits, placements
from imagery.core.verification import picture_of, verify
from tests.photographs import NAMES, photograph

KINDS = {
    "same": "copy",
    "resize": "copy",
    "blur": "copy",
    "sepia": "recolour",
    "crop5": "crop",
    "crop15": "crop",
    "border": "border",
    "caption": "caption",
    "screenshot": "screenshot",
    "mirror": "mirror",
}

WORDS = ["STORM", "WATER", "HELP", "TOWER", "ISLAND", "COAST", "ROOF", "BRIDGE", "NOBODY", "POWER"]


@pytest.mark.parametrize("kind", edits.EDITS)
@pytest.mark.parametrize("name", ["coffee", "astronaut"])
def test_every_edit_is_proven_and_named(kind, name):
    rng = np.random.default_rng(11)
    source = picture_of(photograph(name))
    found = verify(picture_of(edits.apply(kind, photograph(name), rng)), source)
    assert found is not None and found.verdict == "same"
    assert found.mirrored == (kind == "mirror")
    assert found.similarity > 0.8 and found.inliers >= 8
    if kind in KINDS:
        assert found.kind == KINDS[kind]


def test_other_photographs_are_not_versions():
    pictures = [picture_of(photograph(name)) for name in NAMES]
    for i, one in enumerate(pictures):
        for other in pictures[i + 1 :]:
            assert verify(one, other) is None


def test_the_transform_tells_where_the_crop_was():
    whole = photograph("astronaut")
    height, width = whole.shape[:2]
    part = whole[height // 4 :, : width // 2]
    found = verify(picture_of(part), picture_of(whole))
    assert found is not None and found.kind == "crop"
    corners = placements.corners(placements.from_transform(found.transform))
    assert np.abs(corners - [[0, 0.25], [0.5, 0.25], [0.5, 1], [0, 1]]).max() < 0.02


def test_the_transform_holds_after_mirroring():
    whole = photograph("coffee")
    right = whole[:, whole.shape[1] // 2 :]
    found = verify(picture_of(np.ascontiguousarray(right[:, ::-1])), picture_of(whole))
    assert found is not None and found.mirrored and found.kind == "mirror"
    corners = placements.corners(placements.from_transform(found.transform))
    assert np.abs(corners - [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]).max() < 0.02


def test_two_frames_or_screens_of_other_pictures_are_not_versions():
    for kind in ("screenshot", "caption", "border"):
        rng = [np.random.default_rng(4), np.random.default_rng(4)]
        one = edits.apply(kind, photograph("coffee"), rng[0])
        two = edits.apply(kind, photograph("rocket"), rng[1])
        assert verify(picture_of(one), picture_of(two)) is None, kind


def written(pixels: np.ndarray, text: str) -> np.ndarray:
    picture = Image.fromarray(pixels)
    font = ImageFont.load_default(34)
    ImageDraw.Draw(picture).text(
        (picture.width / 2, 8), text, "white", font, "ma", stroke_width=2, stroke_fill="black"
    )
    return np.asarray(picture)


def test_other_text_on_one_picture_is_told_apart():
    template = photograph("chelsea")
    one = picture_of(written(template, "FIVE MORE MINUTES"))
    two = picture_of(written(template, "NOBODY SAW A THING"))
    found = verify(one, two)
    assert found is not None and found.verdict == "differs"


def slide(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (1280, 720), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 1280, 90), fill="#003366")
    draw.text((30, 20), "SITUATION REPORT", "white", ImageFont.load_default(44))
    for line in range(7):
        said = " ".join(rng.choice(WORDS, 6))
        draw.text((50, 130 + 76 * line), f"* {said}", "black", ImageFont.load_default(34))
    picture.thumbnail((320, 320))
    return np.asarray(picture)


def test_slides_of_one_layout_with_other_text_are_not_versions():
    slides = [picture_of(slide(seed)) for seed in range(7)]
    for i, one in enumerate(slides):
        for other in slides[i + 1 :]:
            found = verify(one, other)
            assert found is None or found.verdict == "differs"
    crop = picture_of(np.ascontiguousarray(slide(0)[10:150, 5:260]))
    again = verify(crop, slides[0])
    assert again is not None and again.verdict == "same"


def test_another_part_of_the_scene_in_front_of_it_is_told_apart():
    scene = photograph("coffee")
    one, two = scene.copy(), scene.copy()
    one[60:150, 90:190] = photograph("astronaut")[20:110, 60:160]
    two[60:150, 90:190] = photograph("rocket")[60:150, 90:190]
    found = verify(picture_of(one), picture_of(two))
    assert found is None or found.verdict == "differs"


def test_a_flat_picture_proves_nothing():
    flat = picture_of(np.full((200, 300, 3), 200, np.uint8))
    assert verify(flat, flat) is None
    assert verify(flat, picture_of(photograph("coffee"))) is None

import pytest

from imagery import renditions
from imagery.group_members import Shared, shared_classes
from imagery.models import Event, Image


def test_means_count_a_class_that_is_not_listed_as_nothing():
    found = shared_classes([[["ship", 0.8], ["sea", 0.1]], [["ship", 0.6]], [["cat", 0.9]]])
    assert found == [
        Shared("ship", pytest.approx(1.4 / 3), 2),
        Shared("cat", pytest.approx(0.3), 1),
        Shared("sea", pytest.approx(0.1 / 3), 1),
    ]


def test_classes_are_few_and_none_is_next_to_nothing():
    assert shared_classes([]) == []
    assert shared_classes([[]]) == []
    assert shared_classes([[["a", 0.005]]]) == []
    assert len(shared_classes([[[str(i), 0.1] for i in range(10)]])) == 6


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ((200, 100), [200]),
        ((640, 480), [320, 640]),
        ((1000, 2000), [160, 320, 480, 800]),
        ((0, 0), [1]),
    ],
)
def test_sizes_go_no_further_than_the_original(size, widths):
    image = Image(sha256="a" * 64, width=size[0], height=size[1])
    found = renditions.of(Event(slug="storm"), image)
    assert [rendition.width for rendition in found] == widths
    assert renditions.srcset(found).endswith(f"{widths[-1]}w")

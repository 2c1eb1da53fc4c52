import numpy as np
from PIL import Image

from imagery.core.salvage import decoded_rows, grey_out, has_coarse_scan


def test_counts_rows_before_the_untouched_end():
    pixels = np.zeros((10, 4, 3), np.uint8)
    pixels[2, 1] = 5
    pixels[6, 3, 0] = 1
    assert decoded_rows(pixels) == 7
    assert decoded_rows(pixels[:, :, 0], bottom_up=True) == 8
    assert decoded_rows(np.zeros((10, 4), bool)) == 0


def test_greys_only_what_is_missing():
    image = Image.new("RGB", (3, 10), (255, 0, 0))
    greyed = np.asarray(grey_out(image, 7))
    assert (greyed[:7] == (255, 0, 0)).all()
    assert (greyed[7:] == 128).all()
    upside = np.asarray(grey_out(Image.new("RGB", (3, 10)), 7, bottom_up=True))
    assert (upside[:3] == 128).all()
    assert (upside[3:] == 0).all()


def test_a_coarse_scan_needs_two_scans_of_a_progressive_frame():
    assert has_coarse_scan(b"\xff\xc2..\xff\xda..\xff\xda")
    assert not has_coarse_scan(b"\xff\xda\xff\xc2..\xff\xda..")
    assert not has_coarse_scan(b"\xff\xc0..\xff\xda..\xff\xda")

"""Pictures that are not to be seen unasked."""

import io

from PIL import Image

CELLS = 10  # along the longer side: enough for mood and colours, too few for anything shown


def blurred(jpeg: bytes) -> bytes:
    """A JPEG of the same size that holds no more of one of our own than CELLS × CELLS colours."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        size = picture.size
        cells = picture.convert("RGB")
    cells.thumbnail((CELLS, CELLS), Image.Resampling.BOX)
    out = io.BytesIO()
    cells.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=60)
    return out.getvalue()

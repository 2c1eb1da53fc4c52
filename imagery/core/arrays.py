"""Named arrays as bytes and back: the form in which snapshots are stored. No pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np

FORMAT = 1


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name as one compressed block. Names are identifiers; object dtypes raise."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"array {name!r} holds objects, want numbers: {array.dtype}")
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, _format=np.int32(FORMAT), **arrays)
    return file.getvalue()


def unpack(payload: bytes) -> dict[str, np.ndarray]:
    """What `pack` packed. Raises ValueError where the bytes are something else."""
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as packed:
            arrays = {name: packed[name] for name in packed.files}
    except (zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"not a block of arrays: {error}") from None
    found = int(arrays.pop("_format", -1))
    if found != FORMAT:
        raise ValueError(f"block of arrays of format {found}, want {FORMAT}")
    return arrays

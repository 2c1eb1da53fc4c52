import numpy as np
import pytest

from imagery.core import arrays


def test_arrays_come_back_as_they_went():
    given = {"ids": np.arange(5, dtype=np.int64), "empty": np.zeros((0, 3), np.float32)}
    found = arrays.unpack(arrays.pack(given))
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_objects_are_refused_by_name():
    with pytest.raises(ValueError, match="'bad'"):
        arrays.pack({"bad": np.array([object()])})


@pytest.mark.parametrize("payload", [b"", b"PK\x03\x04garbage", b"\x80\x04N.", b"x" * 100])
def test_other_bytes_are_refused(payload):
    with pytest.raises(ValueError, match="block of arrays"):
        arrays.unpack(payload)


def test_another_format_is_refused(monkeypatch):
    monkeypatch.setattr(arrays, "FORMAT", 99)
    newer = arrays.pack({"a": np.zeros(1)})
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 99"):
        arrays.unpack(newer)

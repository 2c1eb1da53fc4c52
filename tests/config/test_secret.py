from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.secret import signing_key


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path):
    path = tmp_path / "data" / "secret_key"
    key = signing_key(path)
    assert len(key) >= 32
    assert signing_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe" * 40])
def test_a_spoilt_key_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "secret_key"
    path.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="secret_key: holds no usable key"):
        signing_key(path)

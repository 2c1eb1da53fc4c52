"""Where files lie, by an address: a folder, or a bucket of an S3-compatible store."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def storage(url: str, folder: Path) -> dict[str, Any]:
    """Django's description of the storage at `url`: s3://bucket/prefix, file:///path or a path.

    folder: where files lie when no address is given. Raises ImproperlyConfigured.
    """
    if not url:
        return _folder(folder)
    parts = urlsplit(url)
    if parts.scheme == "s3":
        if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
            raise ImproperlyConfigured(f"FILES_URL={url!r}: want s3://bucket or s3://bucket/prefix")
        return {
            "BACKEND": "imagery.bucket.BucketStorage",
            "OPTIONS": {"bucket_name": parts.netloc, "location": unquote(parts.path).strip("/")},
        }
    path = Path(unquote(parts.path) if parts.scheme == "file" else url).expanduser()
    if parts.scheme not in ("", "file") or parts.netloc or not path.is_absolute():
        raise ImproperlyConfigured(
            f"FILES_URL={url!r}: want s3://bucket/prefix, or a whole path of a folder"
        )
    return _folder(path)


def _folder(path: Path) -> dict[str, Any]:
    return {
        "BACKEND": "imagery.blobs.AtomicFileSystemStorage",
        "OPTIONS": {"location": str(path), "file_permissions_mode": 0o600},
    }

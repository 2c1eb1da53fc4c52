"""Files in a bucket of an S3-compatible store, behind the same errors as files in a folder.

Its access is boto3's own affair: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION,
AWS_ENDPOINT_URL and the rest of its variables, its files, or the machine's role.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

CONNECTIONS = 64  # of a process, shared by its threads
IN_MEMORY = 16 * 2**20  # bytes of a file that is read; larger ones wait on disk
CONNECT_S, READ_S, TRIES = 5, 60, 4
GONE = ("404", "NoSuchKey", "NotFound")


@contextmanager
def _as_of_files(name: str) -> Iterator[None]:
    """Raises FileNotFoundError and OSError for what the store says."""
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        if told.get("Code") in GONE:
            raise FileNotFoundError(errno.ENOENT, "no such file in the bucket", name) from error
        said = f"the bucket refused: {told.get('Message') or told.get('Code')}"
        raise OSError(errno.EIO, said, name) from error
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(errno.EIO, f"the bucket cannot be reached: {error}", name) from error


def _addressing() -> str:
    """Stores of one's own mostly have no name for each bucket: those are told by path."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return os.environ.get("AWS_S3_ADDRESSING_STYLE") or ("path" if endpoint else "auto")


class BucketStorage(S3Storage):
    """Content decides the name, so that an equal name is an equal file, and is written whole."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            **{
                "file_overwrite": True,
                "default_acl": None,
                "client_config": Config(
                    max_pool_connections=CONNECTIONS,
                    connect_timeout=CONNECT_S,
                    read_timeout=READ_S,
                    retries={"mode": "standard", "max_attempts": TRIES},
                    s3={"addressing_style": _addressing()},
                ),
                # A picture is one request; threads for each would cost more than they save.
                "transfer_config": TransferConfig(use_threads=False),
            }
            | given
        )
        self._lock = threading.Lock()
        self._held: tuple[int, Any] | None = None

    @property
    def connection(self) -> Any:
        """One of the process: its client is safe among threads, but not across a fork."""
        with self._lock:
            if self._held is None or self._held[0] != os.getpid():
                self._held = (
                    os.getpid(),
                    self._create_session().resource(
                        "s3",
                        region_name=self.region_name,
                        use_ssl=self.use_ssl,
                        endpoint_url=self.endpoint_url,
                        config=self.client_config,
                        verify=self.verify,
                    ),
                )
            return self._held[1]

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)

    def _open(self, name: str, mode: str = "rb") -> File:
        """Read by one request, which django-storages takes three for."""
        if mode != "rb":
            raise ValueError(f"{mode!r}: files in a bucket are opened to be read, or saved whole")
        held = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (whoever opens it closes it)
        with _as_of_files(name):
            key = self._normalize_name(name)
            answer = self.connection.meta.client.get_object(Bucket=self.bucket_name, Key=key)
            shutil.copyfileobj(answer["Body"], held, 2**20)
        held.seek(0)
        return File(held, name)  # type: ignore[arg-type]

    def _save(self, name: str, content: Any) -> str:
        with _as_of_files(name):
            return super()._save(name, content)

    def exists(self, name: str) -> bool:
        with _as_of_files(name):
            return super().exists(name)

    def size(self, name: str) -> int:
        with _as_of_files(name):
            return super().size(name)

    def delete(self, name: str) -> None:
        with _as_of_files(name):
            super().delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with _as_of_files(path):
            return super().listdir(path)

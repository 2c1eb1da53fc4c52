"""An S3-compatible store on this machine: moto's server on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from unittest.mock import patch

BUCKET = "pictures"


@contextlib.contextmanager
def bucket() -> Iterator[dict[str, str]]:
    """Environment with which the store's bucket is used; set for this process meanwhile."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    env = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "FILES_URL": f"s3://{BUCKET}/of/tests",
    }
    try:
        with patch.dict(os.environ, env):
            import boto3

            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield env
    finally:
        server.stop()

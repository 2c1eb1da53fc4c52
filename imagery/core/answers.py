"""What comes over the wire, in words: statuses, headers and failures as FetchErrors."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException

from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    IncompleteRead,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.response import BaseHTTPResponse

from imagery.core.addresses import FetchError, shown

WORTH_RETRYING = frozenset([408, 429, *range(500, 600)]) - {501, 505}


@contextmanager
def errors_in_words(host: str) -> Iterator[None]:
    """Turns what sockets, TLS and HTTP raise into FetchError."""
    try:
        yield
    except FetchError:
        raise
    except (TimeoutError, ReadTimeoutError) as error:
        raise FetchError(f"{host} did not answer in time", "timeout", True) from error
    except ssl.SSLCertVerificationError as error:
        what = f"the certificate of {host} is not valid: {error.verify_message}"
        raise FetchError(what, "tls") from error
    except ssl.SSLEOFError as error:
        raise FetchError(f"{host} broke the connection off", "connect", True) from error
    except ssl.SSLError as error:
        # OpenSSL names its reasons LIKE_THIS.
        what = (getattr(error, "reason", None) or "refused").replace("_", " ").lower()
        raise FetchError(f"no secure connection to {host}: {what}", "tls") from error
    except OSError as error:
        what = error.strerror or "it broke the connection off"
        raise FetchError(f"no connection to {host}: {what}", "connect", True) from error
    except DecodeError as error:
        raise FetchError("the answer is packed wrongly: not readable", "encoding") from error
    except (ProtocolError, IncompleteRead) as error:
        raise FetchError(f"{host} sent only a part", "incomplete", True) from error
    except (HTTPException, HTTPError) as error:
        raise FetchError(f"{host} does not speak proper HTTP", "protocol") from error


def redirected(location: str, error: FetchError) -> FetchError:
    return FetchError(
        f"redirected to {shown(location)}: {error.reason}",
        error.kind,
        error.retryable,
        error.status,
        error.retry_after_s,
    )


def redirect_location(answer: BaseHTTPResponse) -> str:
    location = answer.headers.get("location", "")
    if not location:
        raise FetchError(
            f"the server answered {answer.status} without saying where to",
            "redirects",
            status=answer.status,
        )
    # Headers are read as Latin-1; what servers send unescaped is UTF-8.
    return location.encode("latin-1", "replace").decode("utf-8", "replace")


def status_error(answer: BaseHTTPResponse) -> FetchError:
    status = answer.status
    try:
        phrase = f" ({HTTPStatus(status).phrase.lower()})"
    except ValueError:
        phrase = ""
    retryable = status in WORTH_RETRYING
    return FetchError(
        f"the server answered {status}{phrase}",
        "http_status",
        retryable,
        status,
        _retry_after_s(answer) if retryable else None,
    )


def _retry_after_s(answer: BaseHTTPResponse) -> float | None:
    """Seconds; a date counts from the server's own Date, so no clock of ours is needed."""
    wanted = answer.headers.get("retry-after", "").strip()
    if (seconds := whole_number(wanted)) is not None:
        return float(seconds)
    try:
        now = parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (parsedate_to_datetime(wanted) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def whole_number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text[:18]) if text.isascii() and text.isdigit() else None

import socket
import ssl

import pytest
import urllib3
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError

from imagery.core.addresses import FetchError
from imagery.core.answers import errors_in_words, redirect_location, status_error, whole_number


def answer(status: int, **headers: str) -> urllib3.HTTPResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.HTTPResponse(b"", sent, status)


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (404, "the server answered 404 (not found)", False),
        (403, "the server answered 403 (forbidden)", False),
        (408, "the server answered 408 (request timeout)", True),
        (429, "the server answered 429 (too many requests)", True),
        (500, "the server answered 500 (internal server error)", True),
        (501, "the server answered 501 (not implemented)", False),
        (505, "the server answered 505 (http version not supported)", False),
        (599, "the server answered 599", True),
        (999, "the server answered 999", False),
    ],
)
def test_statuses_in_words(status, reason, retryable):
    error = status_error(answer(status))
    assert (error.reason, error.retryable, error.status) == (reason, retryable, status)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 0 "}, 0.0),
        ({"retry_after": "-7"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "²"}, None),
        ({}, None),
        (
            {
                "date": "Fri, 08 Nov 2013 04:00:00 GMT",
                "retry_after": "Fri, 08 Nov 2013 04:01:30 GMT",
            },
            90.0,
        ),
        (
            {
                "date": "Fri, 08 Nov 2013 04:00:00 GMT",
                "retry_after": "Fri, 08 Nov 2013 03:00:00 GMT",
            },
            0.0,
        ),
        (
            {
                "date": "Fri, 08 Nov 2013 04:00:00 GMT",
                "retry_after": "Fri, 08 Nov 2013 04:01:30 -0000",
            },
            None,
        ),
        ({"retry_after": "Fri, 08 Nov 2013 04:01:30 GMT"}, None),
    ],
)
def test_retry_after_counts_from_the_servers_own_clock(headers, seconds):
    assert status_error(answer(503, **headers)).retry_after_s == seconds


def test_a_pause_is_read_only_where_a_retry_makes_sense():
    assert status_error(answer(404, retry_after="7")).retry_after_s is None


def test_where_a_redirect_leads():
    assert redirect_location(answer(302, location="/a")) == "/a"
    latin = "/é".encode().decode("latin-1")
    assert redirect_location(answer(302, location=latin)) == "/é"
    with pytest.raises(FetchError, match="302 without saying where to"):
        redirect_location(answer(302))


def test_whole_numbers_stay_numbers_however_long():
    assert whole_number("12") == 12
    assert whole_number(None) is whole_number("") is whole_number("1.5") is None
    assert (whole_number("9" * 60_000) or 0) > 10**17


@pytest.mark.parametrize(
    ("raised", "kind", "retryable"),
    [
        (TimeoutError(), "timeout", True),
        (ReadTimeoutError(None, None, "slow"), "timeout", True),
        (ConnectionRefusedError(111, "Connection refused"), "connect", True),
        (ConnectionResetError(), "connect", True),
        (OSError(113, "No route to host"), "connect", True),
        (socket.gaierror(-2, "unknown"), "connect", True),
        (ssl.SSLEOFError(8, "EOF"), "connect", True),
        (ssl.SSLError(1, "wrong version"), "tls", False),
        (ProtocolError("broken"), "incomplete", True),
        (DecodeError("broken"), "encoding", False),
        (urllib3.exceptions.InvalidHeader("x"), "protocol", False),
        (FetchError("as it is", "empty"), "empty", False),
    ],
)
def test_failures_in_words(raised, kind, retryable):
    with pytest.raises(FetchError) as error, errors_in_words("pictures.example"):
        raise raised
    assert (error.value.kind, error.value.retryable) == (kind, retryable)

import contextlib
import gzip
import random
import socket
import ssl
import subprocess
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest

from imagery.core import transport
from imagery.core.safe_http import Fetcher, FetchError, Limits, Response
from tests.http_server import LocalServer, in_turn, page, raw, redirect, serve

MIB = 1024 * 1024


def fetcher(*places: str, resolver=None, slept: list[float] | None = None, ca=None, **limits):
    """A fetcher that may go to the given places, and does not really sleep."""
    naps = slept if slept is not None else []
    made = Fetcher(
        Limits(**({"allow_private": frozenset(places), "attempts": 1} | limits)),
        "Afterimage tests",
        resolver=resolver or refuse_to_resolve,
        sleep=naps.append,
        rng=random.Random(1),
        ca_file=ca,
    )
    opened.append(made)
    return made


opened: list[Fetcher] = []


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    yield
    while opened:
        opened.pop().close()


def refuse_to_resolve(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up")


def refusal(fetch: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as error:
        fetch.get(url)
    assert error.value.reason.isprintable()
    return error.value


@contextlib.contextmanager
def dialled_to(server: LocalServer, monkeypatch):
    """Every connection ends at the server; yields where they were meant to go."""
    meant: list[tuple[str, int]] = []
    real = transport._dial

    def dial(address: str, port: int, timeout_s: float | None) -> socket.socket:
        meant.append((address, port))
        return real("127.0.0.1", server.port, timeout_s)

    monkeypatch.setattr(transport, "_dial", dial)
    yield meant


def test_a_picture_arrives_with_what_is_known_of_it():
    pages = {"/a.png?x=1": page(b"pixels", content_type="Image/PNG; q=1", etag='"e"', x="y")}
    with serve(pages) as server:
        fetch = fetcher(server.place)
        response = fetch.get(server.url("/a.png?x=1#top"))
        assert isinstance(response, Response)
        assert response.body == b"pixels"
        assert (response.status, response.content_type) == (200, "image/png")
        assert response.headers == {"etag": '"e"'}
        assert response.url == server.url("/a.png?x=1")
        assert response.redirects == () and response.elapsed_s > 0
        path, headers = server.requests[0]
        assert path == "/a.png?x=1"
        assert headers["host"] == server.place
        assert headers["user-agent"] == "Afterimage tests"
        assert headers["accept"] == "image/*"
        assert headers["accept-encoding"] == "identity"
        assert not {"authorization", "cookie", "referer"} & set(headers)


def test_connections_are_kept_even_past_missing_pages_and_redirects():
    pages = {"/a": page(), "/old": redirect("/a")}
    with serve(pages) as server:
        fetch = fetcher(server.place)
        for path in ("/a", "/missing", "/old", "/a"):
            with contextlib.suppress(FetchError):
                fetch.get(server.url(path))
        assert len(server.requests) == 5
        assert server.n_connections == 1
        fetch.close()
        fetch.get(server.url("/a"))
        assert server.n_connections == 2


def test_a_kept_connection_that_the_server_dropped_costs_no_attempt():
    def drop_after_answering(handler: BaseHTTPRequestHandler) -> None:
        page()(handler)
        handler.close_connection = True

    with serve({"/a": drop_after_answering}) as server:
        fetch = fetcher(server.place)
        for _ in range(5):
            assert fetch.get(server.url("/a")).body == b"picture"


def test_private_addresses_are_not_contacted():
    with serve({"/": page()}) as server:
        error = refusal(fetcher(), f"http://127.0.0.1:{server.port}/")
        assert error.reason == "127.0.0.1 is a loopback address: not fetched"
        lookalike = fetcher(server.place, resolver=lambda *_: ["127.0.0.1"])
        error = refusal(lookalike, server.url("/", host="pictures.test"))
        assert error.kind == "forbidden_address"
        assert server.n_connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "http://10.0.0.5/",
        "//169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://2130706433/",
        "http://inside.test/",
        "file:///etc/passwd",
        "ftp://pictures.test/a.png",
        "http://user@pictures.test/",
        "http://[broken/",
        "http://pictures.test:22/",
    ],
)
def test_redirects_meet_the_same_checks(location):
    with serve({"/": redirect(location)}) as server:
        fetch = fetcher(server.place, resolver=lambda *_: ["8.8.8.8", "192.168.0.1"])
        error = refusal(fetch, server.url("/"))
        assert error.kind in ("forbidden_address", "bad_url", "redirects")
        assert not error.retryable
        assert len(server.requests) == 1


def test_redirects_are_followed_one_by_one():
    pages = {"/a": redirect("b", 301), "/b": page()}
    with serve(pages) as server:
        pages["/b"] = redirect(f"//{server.place}/c d", 308)
        pages["/c%20d"] = page(b"there")
        response = fetcher(server.place).get(server.url("/a"))
        assert response.body == b"there"
        assert response.url == server.url("/c%20d")
        assert response.redirects == (server.url("/a"), server.url("/b"))


def test_redirects_end():
    pages = {f"/{n}": redirect(f"/{n + 1}") for n in range(6)} | {"/6": page()}
    pages |= {"/loop": redirect("/pool"), "/pool": redirect("/loop"), "/lost": page(b"", 302)}
    with serve(pages) as server:
        fetch = fetcher(server.place)
        assert fetch.get(server.url("/1")).body == b"picture"
        assert refusal(fetch, server.url("/0")).reason == "more than 5 redirects"
        assert "circle" in refusal(fetch, server.url("/loop")).reason
        assert "without saying where" in refusal(fetch, server.url("/lost")).reason


def test_a_name_is_looked_up_once_and_the_checked_address_used(monkeypatch):
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    def no_lookup(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"a second look-up of {args}")

    with serve({"/": page()}) as server, dialled_to(server, monkeypatch) as meant:
        monkeypatch.setattr(socket, "getaddrinfo", no_lookup)
        fetch = fetcher(resolver=rebinding)
        assert fetch.get("http://rebinding.test/").body == b"picture"
        assert asked == ["rebinding.test"]
        assert meant == [("93.184.215.14", 80)]
        assert server.requests[0][1]["host"] == "rebinding.test"
        # The kept connection is no way around the second answer.
        error = refusal(fetch, "http://rebinding.test/")
        assert error.reason == (
            "rebinding.test leads to 127.0.0.1, a loopback address: not fetched"
        )
        assert len(server.requests) == 1


def test_a_retry_checks_the_name_again(monkeypatch):
    answers = [["93.184.215.14"], ["10.0.0.5"]]
    with serve({"/": page(status=503)}) as server, dialled_to(server, monkeypatch):
        fetch = fetcher(resolver=lambda *_: answers.pop(0), attempts=3)
        assert refusal(fetch, "http://rebinding.test/").kind == "forbidden_address"
        assert len(server.requests) == 1


def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch):
    with serve({"/": page()}) as server, dialled_to(server, monkeypatch) as meant:
        dial = transport._dial

        def first_is_down(address: str, port: int, timeout_s: float | None) -> socket.socket:
            if address == "2606:4700::1":
                raise ConnectionRefusedError
            return dial(address, port, timeout_s)

        monkeypatch.setattr(transport, "_dial", first_is_down)
        fetch = fetcher(resolver=lambda *_: ["2606:4700::1", "1.1.1.1"])
        assert fetch.get("http://pictures.test/").body == b"picture"
        assert meant == [("1.1.1.1", 80)]


def test_the_environments_proxies_are_ignored(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serve({"/": page()}) as server:
        assert fetcher(server.place).get(server.url("/")).body == b"picture"


@pytest.mark.parametrize(
    ("errno", "retryable"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)]
)
def test_names_that_lead_nowhere(errno, retryable):
    def resolver(host: str, port: int) -> list[str]:
        raise socket.gaierror(errno, "no")

    error = refusal(fetcher(resolver=resolver), "http://pictures.test/")
    assert (error.kind, error.retryable) == ("dns", retryable)
    assert "pictures.test" in error.reason


def test_a_resolver_that_hangs_is_not_waited_for():
    release = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        release.wait(5)
        return ["8.8.8.8"]

    started = time.monotonic()
    error = refusal(fetcher(resolver=hanging, dns_s=0.1), "http://pictures.test/")
    release.set()
    assert error.kind == "dns" and error.retryable
    assert time.monotonic() - started < 2


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.02)


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        handler.wfile.write(b"X")
        time.sleep(0.02)


def drip_interim(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(200):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


def say_nothing(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(4)


@pytest.mark.parametrize("answer", [drip, drip_headers, drip_interim, say_nothing])
def test_slow_servers_are_left_in_time(answer):
    with serve({"/": answer}) as server:
        fetch = fetcher(server.place, total_s=0.3, read_s=0.2)
        started = time.monotonic()
        error = refusal(fetch, server.url("/"))
        assert time.monotonic() - started < 1.5
        assert (error.kind, error.retryable) == ("timeout", True)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            handler.wfile.write(bytes(64 * 1024))


def endless_chunks(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


BOMB = gzip.compress(bytes(64 * MIB), 1)


@pytest.mark.parametrize(
    "answer",
    [
        endless,
        endless_chunks,
        page(bytes(2 * MIB)),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 60_000 + b"\r\n\r\n"),
        page(BOMB, content_encoding="gzip"),
        page(zlib.compress(bytes(4 * MIB)), content_encoding="deflate"),
    ],
)
def test_nothing_larger_than_the_cap_is_taken(answer):
    with serve({"/": answer}) as server:
        error = refusal(fetcher(server.place, max_bytes=MIB), server.url("/"))
        assert error.reason == "larger than 1 MB: not fetched"
        assert (error.kind, error.retryable) == ("too_large", False)


def test_a_body_of_exactly_the_cap_is_taken():
    with serve({"/": page(bytes(MIB))}) as server:
        assert len(fetcher(server.place, max_bytes=MIB).get(server.url("/")).body) == MIB


def test_packed_bodies_are_unpacked_although_not_asked_for():
    pages = {
        "/gzip": page(gzip.compress(b"picture"), content_encoding="GZIP"),
        "/deflate": page(zlib.compress(b"picture"), content_encoding="deflate"),
        "/chunks": raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\npict\r\n3;x=y\r\nure\r\n0\r\nTrailer: 1\r\n\r\n"
        ),
        "/until-the-end": raw(b"HTTP/1.0 200 OK\r\n\r\npic", b"ture"),
    }
    with serve(pages) as server:
        for path in pages:
            assert fetcher(server.place).get(server.url(path)).body == b"picture", path


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "kind", "retryable"),
    [
        (page(b"x", content_encoding="br"), "encoding", False),
        (page(b"x", content_encoding="gzip, gzip"), "encoding", False),
        (page(b"not gzip", content_encoding="gzip"), "encoding", False),
        (page(b""), "empty", False),
        (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), "empty", False),
        (page(b"part", 206), "http_status", False),
        (page(b"gone", 410), "http_status", False),
        (page(b"", 304), "http_status", False),
        (page(b"", 300), "http_status", False),
        (raw(), "connect", True),
        (raw(HEAD), "empty", False),
        (raw(HEAD + b"Content-Length: 100\r\n\r\nshort"), "incomplete", True),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\nshort"), "incomplete", True),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nshort"), "incomplete", True),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", False),
        (raw(b"HTTP/1.1 abc\r\n\r\n"), "protocol", False),
        (raw(HEAD + b"X: 1\r\n" * 200 + b"\r\nbody"), "protocol", False),
        (raw(HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\nbody"), "protocol", False),
        (raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "protocol", False),
    ],
)
def test_broken_answers_are_refused_in_words(answer, kind, retryable):
    with serve({"/": answer}) as server:
        error = refusal(fetcher(server.place), server.url("/"))
        assert (error.kind, error.retryable) == (kind, retryable), error.reason


def test_more_than_announced_is_cut_and_never_read_as_the_next_answer():
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    pages = {
        "/long": raw(HEAD + b"Content-Length: 4\r\n\r\ngood" + smuggled),
        "/next": page(b"next"),
    }
    with serve(pages) as server:
        fetch = fetcher(server.place)
        assert fetch.get(server.url("/long")).body == b"good"
        assert fetch.get(server.url("/next")).body == b"next"


def test_what_is_worth_retrying_is_retried_with_growing_pauses():
    with serve({"/": in_turn(page(status=500), page(status=502), page(b"at last"))}) as server:
        slept: list[float] = []
        fetch = fetcher(server.place, slept=slept, attempts=3, backoff_s=2.0)
        assert fetch.get(server.url("/")).body == b"at last"
        assert 1 <= slept[0] <= 3 and 2 <= slept[1] <= 6
        assert len(server.requests) == 3


def test_attempts_end():
    with serve({"/": page(status=500)}) as server:
        slept: list[float] = []
        error = refusal(fetcher(server.place, slept=slept, attempts=3), server.url("/"))
        assert (error.status, len(server.requests), len(slept)) == (500, 3, 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501, 505])
def test_the_rest_is_not_retried(status):
    with serve({"/": page(status=status)}) as server:
        error = refusal(fetcher(server.place, attempts=3), server.url("/"))
        assert (error.status, len(server.requests)) == (status, 1)


def test_connections_that_fail_are_retried():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        slept: list[float] = []
        error = refusal(fetcher(place, slept=slept, attempts=3), f"http://{place}/")
    assert error.reason == "no connection to 127.0.0.1: Connection refused"
    assert len(slept) == 2


def test_retry_after_is_obeyed():
    busy = page(b"", 429, retry_after="7")
    with serve({"/": in_turn(busy, page(b"now"))}) as server:
        slept: list[float] = []
        fetch = fetcher(server.place, slept=slept, attempts=2)
        assert fetch.get(server.url("/")).body == b"now"
        # Once for the attempt, once by the host's turns, whose clock does not move in tests.
        assert slept[0] == 7.0 and slept[1] == pytest.approx(7.0, abs=0.5)


def test_a_long_retry_after_is_the_callers_business_and_holds_the_host():
    pages = {"/": page(b"", 503, retry_after="3600"), "/other": page()}
    with serve(pages) as server:
        fetch = fetcher(server.place, attempts=3)
        error = refusal(fetch, server.url("/"))
        assert (error.status, error.retry_after_s) == (503, 3600.0)
        later = refusal(fetch, server.url("/other"))
        assert later.kind == "busy" and later.retry_after_s == pytest.approx(3600, abs=5)
        assert len(server.requests) == 1


def test_many_threads_share_one_fetcher_and_spare_the_host():
    lock, running, most = threading.Lock(), 0, 0

    def counting(handler: BaseHTTPRequestHandler) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        page(handler.path.encode())(handler)

    paths = [f"/{n}" for n in range(96)]
    with serve(dict.fromkeys(paths, counting)) as server:
        fetch = fetcher(server.place, per_host=4)
        with ThreadPoolExecutor(32) as pool:
            bodies = list(pool.map(lambda path: fetch.get(server.url(path)).body, paths))
        assert bodies == [path.encode() for path in paths]
        assert most == 4
        assert server.n_connections <= 8


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """PEM files (certificate, key) of pictures.test, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=pictures.test", "-addext", "subjectAltName=DNS:pictures.test"]
    subprocess.run(
        [*command.split(), *names, "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    return cert, key


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda sock, name, _: asked.append(name)
    pages = {"/": page(b"secret"), "/drip": drip}
    with serve(pages, tls=context) as server:
        pages["/down"] = redirect("http://pictures.test:8080/")
        yield server, asked


def locally(*_: object) -> list[str]:
    return ["127.0.0.1"]


def test_a_certificate_nobody_vouches_for_is_refused(tls_server):
    server, _ = tls_server
    fetch = fetcher(f"pictures.test:{server.port}", resolver=locally, attempts=3)
    error = refusal(fetch, server.url("/", host="pictures.test"))
    assert (error.kind, error.retryable) == ("tls", False)
    assert error.reason.startswith("the certificate of pictures.test is not valid: self")
    assert server.requests == []


def test_the_certificate_must_be_the_names_although_the_address_is_dialled(tls_server, certificate):
    server, asked = tls_server
    places = [f"{host}:{server.port}" for host in ("pictures.test", "other.test", "127.0.0.1")]
    fetch = fetcher(*places, resolver=locally, ca=certificate[0])
    for _ in range(2):
        assert fetch.get(server.url("/", host="pictures.test")).body == b"secret"
    assert server.n_connections == 1
    assert asked == ["pictures.test"]
    assert server.requests[0][1]["host"] == f"pictures.test:{server.port}"
    for host in ("other.test", "127.0.0.1"):
        error = refusal(fetch, server.url("/", host=host))
        assert error.kind == "tls" and "mismatch" in error.reason
    assert len(server.requests) == 2


def test_time_limits_hold_inside_tls(tls_server, certificate):
    server, _ = tls_server
    place = f"pictures.test:{server.port}"
    fetch = fetcher(place, resolver=locally, ca=certificate[0], total_s=0.3)
    started = time.monotonic()
    assert refusal(fetch, server.url("/drip", host="pictures.test")).kind == "timeout"
    assert time.monotonic() - started < 1.5


def test_a_step_from_https_down_to_http_is_told(tls_server, certificate, monkeypatch):
    server, _ = tls_server
    with serve({"/": page()}) as plain:
        real = transport._dial
        monkeypatch.setattr(
            transport,
            "_dial",
            lambda address, port, timeout_s: real(
                "127.0.0.1", plain.port if port == 8080 else port, timeout_s
            ),
        )
        places = [f"pictures.test:{server.port}", "pictures.test:8080"]
        fetch = fetcher(*places, resolver=locally, ca=certificate[0])
        response = fetch.get(server.url("/down", host="pictures.test"))
        assert response.downgraded and response.url == "http://pictures.test:8080/"
        assert not fetch.get("http://pictures.test:8080/").downgraded


def test_plain_http_where_tls_is_expected():
    with serve({"/": page()}) as server:
        url = server.url("/").replace("http:", "https:")
        assert refusal(fetcher(server.place), url).reason.startswith(
            "no secure connection to 127.0.0.1: "
        )

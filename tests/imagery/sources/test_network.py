"""Ways out to servers whose names people typed: only to checked addresses, only for so long."""

from __future__ import annotations

import gzip
import ssl
import subprocess
import threading
import time

import pytest
from websockets.sync.server import serve as serve_frames

from imagery.core.addresses import FetchError
from imagery.sources import network
from imagery.sources.network import Network
from tests.http_server import in_turn, page, raw, redirect, serve


def nowhere(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up")


def to(*places: str, **more: object) -> Network:
    return Network("tests", allow_private=frozenset(places), **more)  # type: ignore[arg-type]


def kind_of(call: object) -> str:
    with pytest.raises(FetchError) as error:
        call()  # type: ignore[operator]
    assert error.value.reason.isprintable()
    return error.value.kind


def test_answers_come_whole_and_unpacked_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    body = gzip.compress(b'{"a": 1}')
    pages = {"/a?b=c": page(body, content_encoding="gzip", content_type="application/json")}
    with serve(pages) as server:
        answer = to(server.place).session().get(server.url("/a"), params={"b": "c"})
    assert answer.json() == {"a": 1}
    path, headers = server.requests[0]
    assert (path, headers["user-agent"], headers["host"]) == ("/a?b=c", "tests", server.place)
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:9443/a", "https://10.0.0.1/", "https://[::1]/", "https://a.test:22/"]
)
def test_private_places_are_not_contacted(url):
    out = to(resolver=nowhere)
    assert kind_of(lambda: out.session().get(url)) == "forbidden_address"
    assert kind_of(lambda: out.websocket(url.replace("https", "wss"))) == "forbidden_address"


def test_names_that_lead_inside_are_not_contacted():
    out = to(resolver=lambda host, port: ["93.184.216.34", "169.254.169.254"])
    assert kind_of(lambda: out.session().get("https://pond.test/")) == "forbidden_address"
    assert kind_of(lambda: out.websocket("wss://pond.test/")) == "forbidden_address"
    assert kind_of(lambda: out.connect("pond.test", 443, True, 1)) == "forbidden_address"


@pytest.mark.parametrize("url", ["http://pond.test/", "ws://pond.test/"])
def test_nothing_travels_unencrypted_but_to_places_that_are_allowed(url):
    out = to(resolver=nowhere)
    assert kind_of(lambda: out.target(url)) == "forbidden_address"


def test_redirects_are_checked_again():
    with serve(
        {"/in": redirect("https://10.0.0.1/"), "/on": redirect("/a"), "/a": page()}
    ) as server:
        session = to(server.place, resolver=nowhere).session()
        assert session.get(server.url("/on")).content == b"picture"
        assert kind_of(lambda: session.get(server.url("/in"))) == "forbidden_address"


def test_a_token_does_not_follow_a_redirect_to_another_host():
    with serve({"/a": page()}) as other, serve({"/a": redirect(other.url("/a"))}) as server:
        session = to(server.place, other.place).session()
        session.get(server.url("/a"), headers={"Authorization": "Bearer secret"})
        assert server.requests[0][1]["authorization"] == "Bearer secret"
        assert "authorization" not in other.requests[0][1]


def test_large_slow_and_broken_answers_end(monkeypatch):
    monkeypatch.setattr(network, "MAX_ANSWER", 1000)
    monkeypatch.setattr(network, "ANSWER_S", 0.4)
    drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"]

    def slow(handler) -> None:
        handler.close_connection = True
        for part in drip + [b"x"] * 20:
            handler.wfile.write(part)
            time.sleep(0.1)

    bomb = gzip.compress(b"0" * 10**6)
    pages = {
        "/large": page(b"0" * 2000),
        "/bomb": page(bomb, content_encoding="gzip"),
        "/slow": slow,
        "/short": raw(drip[0], b"x"),
        "/garbage": raw(b"SSH-2.0\r\n\r\n"),
    }
    with serve(pages) as server:
        session = to(server.place).session()
        kinds = {path: kind_of(lambda p=path: session.get(server.url(p))) for path in pages}
    assert kinds.pop("/garbage") in ("protocol", "incomplete")
    assert kinds == {
        "/large": "too_large",
        "/bomb": "too_large",
        "/slow": "timeout",
        "/short": "incomplete",
    }


def test_a_server_that_speaks_no_websocket_or_refuses_is_told():
    pages = {"/": in_turn(page(), page(b"", 401), page(b"", 503), redirect("ws://10.0.0.1/"))}
    with serve(pages) as server:
        out = to(server.place)
        url = f"ws://{server.place}/"
        with pytest.raises(FetchError) as plain:
            out.websocket(url)
        assert plain.value.status == 200
        with pytest.raises(FetchError) as refused:
            out.websocket(url)
        assert (refused.value.status, refused.value.retryable) == (401, False)
        with pytest.raises(FetchError) as busy:
            out.websocket(url)
        assert (busy.value.status, busy.value.retryable) == (503, True)
        with pytest.raises(FetchError):
            out.websocket(url)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """PEM files (certificate, key) of pond.test, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=pond.test", "-addext", "subjectAltName=DNS:pond.test"]
    subprocess.run(
        [*command.split(), *names, "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    return cert, key


def test_tls_is_verified_against_the_name(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with serve_frames(lambda wire: wire.send("hello"), "127.0.0.1", 0, ssl=context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        places = [f"pond.test:{port}", f"other.test:{port}"]

        def out(ca_file: str | None) -> Network:
            return to(*places, resolver=lambda host, port: ["127.0.0.1"], ca_file=ca_file)

        wire = out(certificate[0]).websocket(f"wss://pond.test:{port}/")
        assert wire.recv(timeout=5) == "hello"
        wire.close()
        assert kind_of(lambda: out(None).websocket(f"wss://pond.test:{port}/")) == "tls"
        other = f"wss://other.test:{port}/"
        assert kind_of(lambda: out(certificate[0]).websocket(other)) == "tls"
        sock = out(certificate[0]).connect("pond.test", port, True, 5)
        assert isinstance(sock, ssl.SSLSocket)
        sock.close()
        server.shutdown()


def test_connections_are_kept_and_a_dropped_one_costs_nothing():
    def last(handler) -> None:
        page()(handler)
        handler.close_connection = True

    with serve({"/a": page(), "/last": last}) as server:
        session = to(server.place).session()
        for path in ("/a", "/missing", "/a", "/last", "/a"):
            session.get(server.url(path))
        assert len(server.requests) == 5
        assert server.n_connections == 2
        session.close()

"""A web server on 127.0.0.1 for tests, whose every answer is scripted."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class LocalServer:
    """requests: (path, headers) as they came; n_connections: how often somebody connected."""

    port: int
    scheme: str
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    n_connections: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


def page(body: bytes = b"picture", status: int = 200, **headers: str) -> Page:
    """An ordinary answer; header names with _ for -."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        sent = {"content_type": "image/png", "content_length": str(len(body))} | headers
        for name, value in sent.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirect(location: str, status: int = 302) -> Page:
    return page(b"", status, location=location)


def raw(*parts: bytes) -> Page:
    """These bytes as they are, then the end of the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for part in parts:
            handler.wfile.write(part)

    return answer


def in_turn(*pages: Page) -> Page:
    """The first page for the first request, and so on; the last one stays."""
    left = list(pages)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return answer


@contextlib.contextmanager
def serve(pages: dict[str, Page], tls: ssl.SSLContext | None = None) -> Iterator[LocalServer]:
    """Runs a server for the block; paths that pages lacks answer 404."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        disable_nagle_algorithm = True

        def setup(self) -> None:
            local.n_connections += 1
            super().setup()

        def handle(self) -> None:
            # Clients under test break off when they have seen enough.
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                super().finish()

        def do_GET(self) -> None:
            local.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            pages.get(self.path, page(b"not here", 404))(self)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def get_request(self) -> tuple[socket.socket, object]:
            sock, address = super().get_request()
            if tls is not None:
                sock.settimeout(5)
                sock = tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            return sock, address

    server = Server(("127.0.0.1", 0), Handler)
    local = LocalServer(server.server_address[1], "https" if tls else "http")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield local
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Connections to addresses that were checked before: pinned, timed, kept for the next request.

The name goes into Host, SNI and the certificate's check; the address is where the socket
goes. Nothing here resolves a name, so nothing can resolve it differently a second time.
"""

import contextlib
import os
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection

from imagery.core.addresses import Target

Patience = Callable[[], float]


class _Timed:
    """A socket that asks before every read how long it may still wait.

    A time limit per read alone lets a server drip a byte at a time for ever.
    """

    patience: Patience

    def recv_into(self, *args: object) -> int:
        self.settimeout(self.patience())  # type: ignore[attr-defined]
        return super().recv_into(*args)  # type: ignore[misc]


class _TimedSocket(_Timed, socket.socket):
    pass


class _TimedTlsSocket(_Timed, ssl.SSLSocket):
    pass


@cache  # reading the roots takes tens of milliseconds
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Verifies chain and name, TLS 1.2 or later. ca_file: PEM roots; certifi's by default."""
    context = ssl.create_default_context(cafile=ca_file or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TimedTlsSocket
    return context


class _PinnedHttp(HTTPConnection):
    address: str

    def _new_conn(self) -> socket.socket:
        return _dial(self.address, self.port, self.timeout)


class _PinnedHttps(HTTPSConnection):
    address: str

    def _new_conn(self) -> socket.socket:
        return _dial(self.address, self.port, self.timeout)


Connection = _PinnedHttp | _PinnedHttps


def _dial(address: str, port: int, timeout_s: float | None) -> socket.socket:
    sock = _TimedSocket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        sock.settimeout(timeout_s)
        sock.connect((address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def connect(
    target: Target, addresses: list[str], ca_file: str | None, patience: Patience
) -> Connection:
    """A new connection to the first of the addresses that answers.

    patience() is asked before each try (seconds; raises TimeoutError when there are none
    left). Raises the last address's OSError (ssl.SSLError among them) if none answers;
    a refused certificate ends the search.
    """
    failure: OSError | None = None
    for address in addresses:
        connection: Connection
        if target.scheme == "https":
            connection = _PinnedHttps(target.host, target.port, ssl_context=tls_context(ca_file))
        else:
            connection = _PinnedHttp(target.host, target.port)
        connection.address = address
        connection.timeout = patience()
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure or OSError("no address to connect to")


def set_patience(connection: Connection, patience: Patience) -> None:
    """How long each later read of this connection may wait (asked anew before each)."""
    connection.sock.patience = patience  # type: ignore[union-attr]


@dataclass
class IdleConnections:
    """Open connections waiting for the next request to the same host; thread-safe.

    A connection is handed out only while its address is among those just checked, and
    only in the process that opened it.
    """

    clock: Callable[[], float]
    max_idle: int = 64
    max_idle_s: float = 10.0
    _idle: OrderedDict[tuple[object, ...], list[tuple[Connection, float]]] = field(
        default_factory=OrderedDict
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, target: Target, addresses: list[str]) -> Connection | None:
        stale: list[Connection] = []
        taken: Connection | None = None
        with self._lock:
            waiting = self._idle.pop(self._key(target), [])
            while waiting and taken is None:
                connection, since = waiting.pop()
                fresh = self.clock() - since <= self.max_idle_s
                if fresh and connection.address in addresses and connection.is_connected:
                    taken = connection
                else:
                    stale.append(connection)
            if waiting:
                self._idle[self._key(target)] = waiting
        _close_all(stale)
        return taken

    def park(self, target: Target, connection: Connection) -> None:
        surplus: list[Connection] = []
        with self._lock:
            key = self._key(target)
            self._idle.setdefault(key, []).append((connection, self.clock()))
            self._idle.move_to_end(key)
            while sum(map(len, self._idle.values())) > self.max_idle:
                oldest = next(iter(self._idle))
                surplus.append(self._idle[oldest].pop(0)[0])
                if not self._idle[oldest]:
                    del self._idle[oldest]
        _close_all(surplus)

    def close(self) -> None:
        with self._lock:
            waiting = [connection for kept in self._idle.values() for connection, _ in kept]
            self._idle.clear()
        _close_all(waiting)

    @staticmethod
    def _key(target: Target) -> tuple[object, ...]:
        return (os.getpid(), target.scheme, target.host, target.port)


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.close()

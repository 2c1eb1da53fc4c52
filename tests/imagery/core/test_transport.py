import contextlib
from collections.abc import Iterator

import pytest

from imagery.core.addresses import Target
from imagery.core.transport import IdleConnections, connect
from tests.http_server import LocalServer, page, serve

HERE = ["127.0.0.1"]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with serve({"/": page()}) as local:
        yield local


@pytest.fixture
def idle() -> Iterator[IdleConnections]:
    with contextlib.closing(IdleConnections(lambda: now[0], max_idle=3, max_idle_s=10)) as kept:
        now[0] = 0.0
        yield kept


now = [0.0]


def target(server: LocalServer, host: str = "pictures.test") -> Target:
    return Target("http", host, server.port, "/")


def opened(server: LocalServer, host: str = "pictures.test"):
    return connect(target(server, host), HERE, None, lambda: 2.0)


def test_a_connection_serves_again_for_the_same_name_and_a_checked_address(server, idle):
    connection = opened(server)
    idle.park(target(server), connection)
    assert idle.take(target(server, "other.test"), HERE) is None
    with contextlib.closing(connection):
        assert idle.take(target(server), HERE) is connection
    assert idle.take(target(server), HERE) is None


def test_an_address_that_is_no_longer_the_names_is_not_used(server, idle):
    connection = opened(server)
    idle.park(target(server), connection)
    assert idle.take(target(server), ["8.8.8.8"]) is None
    assert connection.is_closed


@pytest.mark.parametrize(("age_s", "kept"), [(10.0, True), (10.1, False)])
def test_connections_do_not_lie_idle_for_long(server, idle, age_s, kept):
    connection = opened(server)
    idle.park(target(server), connection)
    now[0] = age_s
    with contextlib.closing(connection):
        assert idle.take(target(server), HERE) is (connection if kept else None)


def test_another_process_opens_its_own(server, idle, monkeypatch):
    idle.park(target(server), opened(server))
    monkeypatch.setattr("imagery.core.transport.os.getpid", lambda: -1)
    assert idle.take(target(server), HERE) is None


def test_the_longest_unused_goes_when_there_are_too_many(server, idle):
    hosts = [f"host{number}.test" for number in range(5)]
    connections = [opened(server, host) for host in hosts]
    for host, connection in zip(hosts, connections, strict=True):
        idle.park(target(server, host), connection)
    assert [connection.is_closed for connection in connections] == [True, True, False, False, False]
    idle.close()
    assert all(connection.is_closed for connection in connections)


def test_running_out_of_patience_ends_the_search_for_an_address(server):
    def none_left() -> float:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        connect(target(server), HERE, None, none_left)

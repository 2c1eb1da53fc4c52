import threading

import pytest

from imagery.core import host_turns
from imagery.core.addresses import FetchError
from imagery.core.host_turns import HostTurns


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def turns(per_host: int = 2, min_interval_s: float = 0.0) -> tuple[HostTurns, Clock]:
    clock = Clock()
    return HostTurns(per_host, min_interval_s, clock, clock.sleep), clock


def test_requests_to_one_host_keep_their_distance():
    hosts, clock = turns(min_interval_s=2.0)
    starts = []
    for host in ("a", "a", "b", "a"):
        with hosts.turn(host, give_up_at=60):
            starts.append((host, clock.now))
    assert starts == [("a", 0.0), ("a", 2.0), ("b", 2.0), ("a", 4.0)]


def test_no_more_than_per_host_at_once():
    hosts = HostTurns(3, 0.0, lambda: 0.0, lambda _: None)
    lock, running, most = threading.Lock(), 0, 0
    pause = threading.Event()

    def work() -> None:
        nonlocal running, most
        with hosts.turn("a", give_up_at=5):
            with lock:
                running += 1
                most = max(most, running)
            pause.wait(0.01)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_a_full_host_is_busy_and_others_are_not():
    hosts, _ = turns(per_host=1)
    with hosts.turn("a", give_up_at=60):
        with pytest.raises(FetchError, match="a was busy") as refusal, hosts.turn("a", 0.02):
            pass
        assert refusal.value.retryable and refusal.value.kind == "busy"
        with hosts.turn("b", give_up_at=60):
            pass
    with hosts.turn("a", give_up_at=60):
        pass


def test_a_turn_that_failed_is_given_back():
    hosts, _ = turns(per_host=1)
    for _ in range(2):
        with pytest.raises(ValueError), hosts.turn("a", give_up_at=0):
            raise ValueError


def test_a_host_that_asked_for_a_pause_gets_it():
    hosts, clock = turns()
    hosts.hold("a", 30)
    hosts.hold("a", 10)
    with pytest.raises(FetchError, match="wait another 30 s") as refusal, hosts.turn("a", 20):
        pass
    assert refusal.value.retry_after_s == 30
    with hosts.turn("a", give_up_at=60):
        assert clock.now == 30
    hosts.hold("a", 1e9)
    with pytest.raises(FetchError) as refusal, hosts.turn("a", give_up_at=60):
        pass
    assert refusal.value.retry_after_s == host_turns.MAX_HOLD_S


def test_hosts_are_forgotten_when_nothing_waits_for_them(monkeypatch):
    monkeypatch.setattr(host_turns, "MAX_REMEMBERED_HOSTS", 10)
    hosts, _ = turns()
    hosts.hold("held", 100)
    for number in range(50):
        with hosts.turn(f"host{number}", give_up_at=60):
            pass
    assert len(hosts._hosts) <= 10
    with pytest.raises(FetchError), hosts.turn("held", give_up_at=60):
        pass

"""Getting many things at once: hosts in turn, stragglers, errors, stops."""

import threading
import time
from collections import Counter

import pytest

from imagery.crawling import Crawl


class Hosts:
    """Things are (host, number). Counts how many are in flight at once, of each host and in all."""

    def __init__(self, latency_s: float = 0.0, most: int = 50, share: int = 3) -> None:
        self.latency_s, self.stuck = latency_s, threading.Event()
        self.most_at_once: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.crawl = Crawl(
            get=self.get, key=lambda one: one, host=lambda one: one[0],
            share=lambda host: share, most=most,
        )  # fmt: skip

    def get(self, one: tuple[str, int]) -> tuple[str, int]:
        with self._lock:
            for name in (one[0], "all"):
                self._now[name] += 1
                self.most_at_once[name] = max(self.most_at_once[name], self._now[name])
        if one[0] == "stuck":
            self.stuck.wait(10)
        elif one[0] == "broken":
            raise ValueError(one)
        else:
            time.sleep(self.latency_s)
        with self._lock:
            for name in (one[0], "all"):
                self._now[name] -= 1
        return one


def _things(*hosts: str, n: int) -> list[tuple[str, int]]:
    return [(host, i) for host in hosts for i in range(n)]


def test_each_thing_once_and_a_few_of_each_host_at_a_time():
    hosts = Hosts(0.002, most=7)
    things = _things("a", "b", "c", "d", n=25)
    assert sorted(hosts.crawl.run(things)) == sorted(things)
    assert hosts.most_at_once["all"] == 7
    assert max(hosts.most_at_once[name] for name in "abcd") <= 3


def test_a_host_that_hangs_holds_up_nobody_elses():
    hosts = Hosts(0.001)
    late: list[tuple[str, int]] = []
    run = hosts.crawl.run(_things("stuck", "a", n=20), patience_s=0.3, late=late.append)
    begun = time.monotonic()
    assert sorted(run) == _things("a", n=20)
    assert time.monotonic() - begun < 2
    assert (run.n_left, late) == (17, [])  # three in flight
    # A run that follows begins nothing of the host while the stragglers hold its places.
    again = hosts.crawl.run(_things("stuck", n=20), patience_s=5)
    begun = time.monotonic()
    assert list(again) == []
    assert time.monotonic() - begun < 1
    hosts.stuck.set()
    until = time.monotonic() + 5
    while len(late) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert sorted(late) == _things("stuck", n=3)


def test_without_patience_stragglers_are_waited_for():
    hosts = Hosts()
    list(hosts.crawl.run(_things("stuck", n=3), patience_s=0.05))
    threading.Timer(0.2, hosts.stuck.set).start()
    assert sorted(hosts.crawl.run(_things("stuck", n=4))) == _things("stuck", n=4)


def test_an_error_is_raised_where_the_outcomes_are_read():
    with pytest.raises(ValueError, match="broken"):
        list(Hosts().crawl.run(_things("a", "broken", n=2)))


def test_what_is_in_hand_is_told_after_a_stop():
    hosts = Hosts(0.01, most=4)
    run = hosts.crawl.run(_things("a", "b", "c", "d", n=30))
    seen = [next(iter(run))]
    begun = seen + run.in_hand()
    assert len(set(begun)) == len(begun) <= 8
    assert run.n_left == 0
    assert list(run) == []

"""The page on scaling holds what its script computes."""

from pathlib import Path

from benchmarks import scaling

PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"


def test_the_page_holds_the_table():
    assert "\n".join(scaling.table()) in PAGE.read_text()


def test_what_is_spread_sums_up():
    spread = [cost.seconds(1e6) for cost in scaling.COSTS if cost.spread]
    assert scaling._time(sum(spread)) == "9 h"
    assert scaling._time(119) == "119 s"
    assert scaling._bytes(1.36e11) == "136.0 GB"

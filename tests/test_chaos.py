"""Services broken at random for a short while; `python -m tests.chaos` does it for minutes."""

from pathlib import Path

import pytest

from tests import chaos


@pytest.mark.slow
def test_nothing_is_lost_whatever_is_killed_emptied_or_stopped(tmp_path: Path) -> None:
    broken = chaos.drill(tmp_path, seconds=15, seed=3)
    assert any("killed" in what for what in broken)

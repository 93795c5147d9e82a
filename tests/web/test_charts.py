"""Charts: what stands in them is in the picture."""

from __future__ import annotations

import pytest

from commonplace.archive.figures.statistics import Count
from commonplace.web.charts import WIDTH, columns


@pytest.mark.parametrize("months", [1, 12, 23, 60])
def test_no_label_is_cut_at_the_edge(months: int) -> None:
    rows = [Count(value=f"20{24 + n // 12}-{n % 12 + 1:02}", conversations=n, messages=n) for n in range(months)]
    ticks = [bar for bar in columns(rows, str).bars if bar.tick]
    assert ticks
    for bar in ticks:
        length = 6.5 * len(bar.tick)
        begins = bar.tick_x if bar.tick_anchor == "start" else bar.tick_x - length
        assert begins >= 0
        assert begins + length <= WIDTH

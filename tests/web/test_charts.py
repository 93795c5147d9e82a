"""Charts: what stands in them is in the picture."""

from __future__ import annotations

import pytest

from commonplace.archive.figures.statistics import Count
from commonplace.web.charts import NARROW, WIDTH, columns
from commonplace.web.wording import say


@pytest.mark.parametrize("columns_shown", [1, 12, 22, 23, 60])
@pytest.mark.parametrize("room", [WIDTH, NARROW])
@pytest.mark.parametrize("name", ["20{year}-{month:02}", "Food, Home & Travel"])
def test_no_label_is_cut_at_the_edge_or_stands_in_another(columns_shown: int, name: str, room: int) -> None:
    values = [name.format(year=24 + n // 12, month=n % 12 + 1) for n in range(columns_shown)]
    rows = [Count(value=value, conversations=n, messages=n) for n, value in enumerate(values)]
    ticks = [bar for bar in columns(rows, str).bars if bar.tick and not (room == NARROW and bar.is_spare)]
    assert ticks
    free_from = 0.0
    for bar in ticks:
        length = 6.5 * len(bar.tick)
        at = bar.tick_x / 100 * room
        begins = at if bar.tick_anchor == "start" else at - length
        assert begins >= free_from
        assert begins + length <= room
        free_from = begins + length


def test_what_is_said_of_a_grid_holds_on_white_and_on_black() -> None:
    said = say("charts.more_colour", most=3)
    assert "up to 3" in said
    assert "dark" not in said
    assert "light" not in said

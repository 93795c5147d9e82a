"""Counts as pictures that need no script and no style of their own; the same numbers stand beside them as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Literal

import msgspec

from commonplace.archive.figures.statistics import Count

WIDTH, HEIGHT, FOOT = 720, 180, 22
MOST_LABELS = 12
LONGEST_LABEL = 14
_SIGN = 7
"""How wide a letter of a label is, about."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One column: where it stands, what it says, and where a click leads."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int
    address: str
    tick: str
    """What stands below it; empty: there is no room for each."""
    tick_x: float
    tick_anchor: Literal["start", "end"]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Columns, all of a page's."""

    bars: list[Bar]
    most: int
    width: int = WIDTH
    height: int = HEIGHT + FOOT
    foot: int = HEIGHT


def columns(rows: Sequence[Count], address: Callable[[str], str]) -> Chart:
    """A column for each count that has a name, in the order of the rows."""
    named = [row for row in rows if row.value is not None]
    most = max((row.conversations for row in named), default=0)
    step = WIDTH / max(1, len(named))
    longest = _SIGN * max((len(_label(row)) for row in named), default=0)
    every = max(1, ceil(len(named) / MOST_LABELS), ceil(longest / step))
    bars, free_from = [], 0.0
    for place, row in enumerate(named):
        height = (HEIGHT - 16) * row.conversations / (most or 1)
        x, width = place * step + step * 0.1, step * 0.8
        tick = _label(row) if place % every == 0 else ""
        is_cut = x + _SIGN * len(tick) > WIDTH
        begins = x + width - _SIGN * len(tick) if is_cut else x
        tick = tick if begins >= free_from else ""
        free_from = begins + _SIGN * len(tick) if tick else free_from
        bars.append(
            Bar(
                x=round(x, 1),
                y=round(HEIGHT - height, 1),
                width=round(width, 1),
                height=round(max(height, 1 if row.conversations else 0), 1),
                label=str(row.value),
                value=row.conversations,
                address=address(str(row.value)),
                tick=tick,
                tick_x=round(x + width if is_cut else x, 1),
                tick_anchor="end" if is_cut else "start",
            )
        )
    return Chart(bars=bars, most=most)


def _label(row: Count) -> str:
    return str(row.value)[:LONGEST_LABEL]

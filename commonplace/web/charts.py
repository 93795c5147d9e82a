"""Counts as pictures that need no script and no style of their own; the same numbers stand beside them as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Literal

import msgspec

from commonplace.archive.figures.over_time import OverTime
from commonplace.archive.figures.statistics import Count

WIDTH, HEIGHT, FOOT = 720, 180, 22
NARROW = 330
"""Columns are drawn as wide as the page is, and on a telephone that is this."""
MOST_LABELS = 12
LONGEST_LABEL = 14
NAMES, ROW, MOST_ACROSS, LONGEST_NAME = 180, 20, 12, 24
"""Of what stands over time: the room for names, the height of a line, how many months fill the rest at least."""
GAP, BROAD = 0.1, 0.8
"""Of a column's place: what is free before it, and what it takes."""
_SIGN = 7
"""How wide a letter of a label is, about."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One column: where it stands (across: in percent), what it says, and where a click leads."""

    place: int
    x: float
    y: float
    width: float
    height: float
    says: str
    value: int
    address: str
    tick: str
    """What stands below it; empty: there is no room for each."""
    tick_x: float
    tick_anchor: Literal["start", "end"]
    is_spare: bool
    """There is no room for it on a telephone."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Columns, all of a page's."""

    bars: list[Bar]
    most: int
    highest: Bar | None
    """The first of those that have most."""
    width: int = WIDTH
    height: int = HEIGHT + FOOT
    foot: int = HEIGHT
    gap: float = GAP
    broad: float = BROAD


def columns(rows: Sequence[Count], address: Callable[[str], str]) -> Chart:
    """A column for each count that has a name, in the order of the rows."""
    named = [row for row in rows if row.value is not None]
    most = max((row.conversations for row in named), default=0)
    step = WIDTH / max(1, len(named))
    longest = _SIGN * max((len(_label(row)) for row in named), default=0)
    every = max(1, ceil(len(named) / MOST_LABELS), ceil(longest / step))
    bars, free_from, free_if_narrow = [], 0.0, 0.0
    for place, row in enumerate(named):
        height = (HEIGHT - 16) * row.conversations / (most or 1)
        x, width = (place + GAP) * step, BROAD * step
        tick = _label(row) if place % every == 0 else ""
        is_cut = x + _SIGN * len(tick) > WIDTH
        begins = x + width - _SIGN * len(tick) if is_cut else x
        tick = tick if begins >= free_from else ""
        free_from = begins + _SIGN * len(tick) if tick else free_from
        at = (x + width) * NARROW / WIDTH - _SIGN * len(tick) if is_cut else x * NARROW / WIDTH
        is_spare = at < free_if_narrow or at + _SIGN * len(tick) > NARROW
        free_if_narrow = at + _SIGN * len(tick) if tick and not is_spare else free_if_narrow
        bars.append(
            Bar(
                place=place,
                x=_percent(x),
                y=round(HEIGHT - height, 1),
                width=_percent(width),
                height=round(max(height, 1 if row.conversations else 0), 1),
                says=f"{row.value}: {row.conversations:,}",
                value=row.conversations,
                address=address(str(row.value)),
                tick=tick,
                tick_x=_percent(x + width if is_cut else x),
                tick_anchor="end" if is_cut else "start",
                is_spare=is_spare,
            )
        )
    return Chart(bars=bars, most=most, highest=next((bar for bar in bars if bar.value == most), None))


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One value in one month; the more, the more colour: darker on white, lighter on black."""

    month: int
    """Which column it is in."""
    shade: float
    says: str
    address: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One value in all months that it was in."""

    name: str
    y: int
    cells: list[Cell]


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Months beside each other, values below each other."""

    lines: list[Line]
    ticks: list[tuple[str, float]]
    """Names of months, and where each stands."""
    side: float
    """How wide a month is."""
    height: float
    most: int
    width: int = WIDTH
    names: int = NAMES
    """How wide what the lines are called is."""


def grid(over: OverTime, address: Callable[[str, str], str]) -> Grid:
    """A cell for every value in every month that it was in."""
    most = max((count for _, counts in over.lines for count in counts), default=0)
    side = round((WIDTH - NAMES) / max(MOST_ACROSS, len(over.months)), 1)
    every = max(1, ceil(_SIGN * 8 / side))

    def line(value: str, counts: Sequence[int]) -> list[Cell]:
        return [
            Cell(
                month=place,
                shade=round(0.15 + 0.85 * count / most, 2),
                says=f"{value}, {month}: {count:,}",
                address=address(value, month),
            )
            for place, (month, count) in enumerate(zip(over.months, counts, strict=True))
            if count
        ]

    return Grid(
        lines=[
            Line(name=shortened(value), y=ROW * down, cells=line(value, counts))
            for down, (value, counts) in enumerate(over.lines)
        ],
        ticks=[(name, round(NAMES + side * at, 1)) for at, name in enumerate(over.months) if at % every == 0],
        side=side,
        height=ROW * len(over.lines) + FOOT,
        most=most,
    )


def shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _percent(across: float) -> float:
    return round(100 * across / WIDTH, 2)


def _label(row: Count) -> str:
    return str(row.value)[:LONGEST_LABEL]

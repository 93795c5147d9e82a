"""Counts as pictures that need no script and no style of their own; the same numbers stand beside them as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from commonplace.archive.figures.statistics import Count

WIDTH, HEIGHT, FOOT = 720, 180, 22
MOST_LABELS = 12


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One column: where it stands, what it says, and where a click leads."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int
    address: str
    is_labelled: bool


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
    every = -(-len(named) // MOST_LABELS) or 1
    bars = []
    for place, row in enumerate(named):
        height = (HEIGHT - 16) * row.conversations / (most or 1)
        bars.append(
            Bar(
                x=round(place * step + step * 0.1, 1),
                y=round(HEIGHT - height, 1),
                width=round(step * 0.8, 1),
                height=round(max(height, 1 if row.conversations else 0), 1),
                label=str(row.value),
                value=row.conversations,
                address=address(str(row.value)),
                is_labelled=place % every == 0,
            )
        )
    return Chart(bars=bars, most=most)

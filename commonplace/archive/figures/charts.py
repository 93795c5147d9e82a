"""Statistics as pictures: bars, quiet axes, one colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from commonplace.archive.figures.over_time import OverTime
from commonplace.archive.figures.statistics import Count
from commonplace.errors import Refused

FORMATS = ("svg", "png")
ACCENT = "#3b6ea5"
INK = "#30343a"
FAINT = "#e4e6ea"
_FONT = "Helvetica, Arial, sans-serif"
_UPRIGHT = {"month": "Month", "weekday": "Weekday", "hour": "Hour of the day", "length": "Visible messages"}
_MOST_BARS = 25
"""For what has no order of its own; the rest becomes one bar."""


def draw(rows: Sequence[Count], by: str, format: str = "svg", *, measure: str = "conversations") -> bytes:
    """A bar chart of what `statistics.count_by` found, as SVG or PNG.

    Time and length run from left to right; names, which can be long, stand beside lying bars.
    """
    if format not in FORMATS:
        raise Refused(
            f"A chart cannot be a {format or 'file without an ending'}.", hint="End its name in .svg or .png."
        )
    return _converted(lambda: chart(rows, by, measure=measure), format)


def draw_over_time(over: OverTime, by: str, format: str = "png") -> bytes:
    """What `over_time` found: months from left to right, the more the darker, on white."""
    return _converted(lambda: _cells(over, by), format)


def _converted(made: Callable[[], Any], format: str) -> bytes:
    try:
        import vl_convert

        specification = made().to_dict()
    except ModuleNotFoundError as exc:
        raise Refused("Charts need the extra `charts`.", hint="pip install 'commonplace-book[charts]'") from exc
    if format == "svg":
        return str(vl_convert.vegalite_to_svg(specification)).encode()
    return bytes(vl_convert.vegalite_to_png(specification, scale=2))


def _cells(over: OverTime, by: str) -> Any:
    import altair as alt

    cells = [
        {"value": value, "month": month, "conversations": count}
        for value, counts in over.lines
        for month, count in zip(over.months, counts, strict=True)
    ]
    drawn = (
        alt.Chart(alt.InlineData(values=cells), title=f"Conversations by {by} and month")
        .mark_rect()
        .encode(
            alt.X("month:N", sort=None, title=None, axis=alt.Axis(labelAngle=-45, labelOverlap=True)),
            alt.Y("value:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            alt.Color("conversations:Q", title=None, scale=alt.Scale(range=["white", ACCENT])),
        )
    )
    return _styled(drawn, is_upright=False, bars=len(over.lines))


def chart(rows: Sequence[Count], by: str, *, measure: str = "conversations") -> Any:
    """The same as an Altair chart, for notebooks and pages."""
    import altair as alt

    is_upright = by in _UPRIGHT
    bars = _bars(rows, measure) if is_upright else _largest(_bars(rows, measure))
    base = alt.Chart(alt.InlineData(values=bars), title=f"{measure.capitalize()} by {by}")
    value = alt.X if is_upright else alt.Y
    amount = alt.Y if is_upright else alt.X
    label = alt.Axis(labelAngle=-45 if by == "month" and len(bars) > 12 else 0, labelOverlap=True, labelLimit=220)
    drawn = base.mark_bar(color=ACCENT, cornerRadiusEnd=2).encode(
        value("value:N", sort=None, title=_UPRIGHT.get(by), axis=label),
        amount(f"{measure}:Q", title=None, axis=alt.Axis(format="~s", tickMinStep=1, grid=True)),
    )
    return _styled(drawn, is_upright=is_upright, bars=len(bars))


def _styled(drawn: Any, *, is_upright: bool, bars: int) -> Any:
    width, height = (max(360, min(24 * bars, 1200)), 280) if is_upright else (480, max(120, 24 * bars))
    return (
        drawn.properties(width=width, height=height, background="white", padding=16)
        .configure(font=_FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK, titleColor=INK, gridColor=FAINT, domain=False, ticks=False, labelPadding=6, labelFontSize=12
        )
        .configure_axisBand(grid=False)
        .configure_title(anchor="start", color=INK, fontSize=16, offset=14)
    )


def _bars(rows: Sequence[Count], measure: str) -> list[dict[str, Any]]:
    return [{"value": "none" if row.value is None else row.value, measure: getattr(row, measure)} for row in rows]


def _largest(bars: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(bars) <= _MOST_BARS:
        return bars
    rest = bars[_MOST_BARS - 1 :]
    measure = next(name for name in rest[0] if name != "value")
    others = {"value": f"{len(rest)} others", measure: sum(bar[measure] for bar in rest)}
    return [*bars[: _MOST_BARS - 1], others]

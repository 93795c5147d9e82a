"""What the clocks and calendars of a zone show at very many moments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, tzinfo
from functools import cache

from commonplace.moments import DAY, to_datetime


def clock_of(zone: tzinfo) -> Callable[[int], int]:
    """What a zone's clocks show at a moment, in microseconds. How far they are from UTC is asked once for a day, unless
    it is a day on which that changes."""

    def ahead(moment: int) -> int:
        offset = to_datetime(moment, zone).utcoffset() or timedelta()
        return offset // timedelta(microseconds=1)

    @cache
    def ahead_all_day(day: int) -> int | None:
        first, last = ahead(day * DAY), ahead((day + 1) * DAY - 1)
        return first if first == last else None

    def shown(moment: int) -> int:
        known = ahead_all_day(moment // DAY)
        return moment + (ahead(moment) if known is None else known)

    return shown


@cache
def month_of(day: int) -> str:
    """The month of a day since 1970."""
    return f"{to_datetime(day * DAY):%Y-%m}"

"""The moments of My Activity's pages, which are written as the account's language writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_TIME = re.compile(r"\b(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([ap])\.?\s?m\b\.?)?", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"\b(\d{4})\D{1,3}(\d{1,2})\D{1,3}(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"\b(\d{1,2})([./-])\s?(\d{1,2})[./-]\s?(\d{4})\b")
_OFFSET = re.compile(r"\b(?:GMT|UTC)([+-]\d{1,2})(?::?(\d{2}))?")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen",
            "feb fév fev",
            "mar mär mrt",
            "apr avr abr",
            "may mai mei mag",
            "jun juin giu",
            "jul juil lug",
            "aug aoû ago",
            "sep set",
            "oct okt out ott",
            "nov",
            "dec dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}
_HOURS: dict[str, float] = {
    "CET": 1,
    "MEZ": 1,
    "BST": 1,
    "WEST": 1,
    "CEST": 2,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "IST": 5.5,
    "JST": 9,
    "KST": 9,
    "AEST": 10,
    "AEDT": 11,
    "EDT": -4,
    "EST": -5,
    "CDT": -5,
    "CST": -6,
    "MDT": -6,
    "MST": -7,
    "PDT": -7,
    "PST": -8,
    "BRT": -3,
}
LONGEST = 60


def datetime_of(told: str) -> datetime | None:
    """The moment in a line that says nothing else; a zone that is not known counts as UTC."""
    line = " ".join(told.split())
    time = _TIME.search(line) if len(line) <= LONGEST else None
    if time is None:
        return None
    date = _date(line[: time.start()], is_american=time[4] is not None) or _date(line[time.end() :], is_american=False)
    if date is None:
        return None
    hour = int(time[1]) if time[4] is None else int(time[1]) % 12 + 12 * (time[4].lower() == "p")
    try:
        return datetime(*date, hour, int(time[2]), int(time[3] or 0), tzinfo=_zone(line[time.end() :]))
    except ValueError:
        return None


def _date(told: str, *, is_american: bool) -> tuple[int, int, int] | None:
    if found := _YEAR_FIRST.search(told):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _YEAR_LAST.search(told):
        first, second = int(found[1]), int(found[3])
        is_month_first = second > 12 or (is_american and found[2] == "/" and first <= 12)
        return (int(found[4]), first, second) if is_month_first else (int(found[4]), second, first)
    names = (word.casefold() for word in re.findall(r"[^\W\d_]{3,}", told))
    month = next((number for name in names if (number := _MONTHS.get(name[:4]) or _MONTHS.get(name[:3]))), None)
    numbers = [int(number) for number in re.findall(r"\d+", told)]
    years, days = [number for number in numbers if number > 31], [number for number in numbers if number <= 31]
    return (years[0], month, days[0]) if month and len(years) == len(days) == 1 else None


def _zone(told: str) -> timezone:
    if found := _OFFSET.search(told):
        hours, minutes = int(found[1]), int(found[2] or 0)
        away = timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes)
    else:
        away = timedelta(hours=next((_HOURS[word] for word in told.split() if word in _HOURS), 0))
    return timezone(away) if away and abs(away) < timedelta(hours=24) else UTC

"""Moments as the archive keeps them (microseconds since the epoch, UTC) and as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from commonplace.errors import Refused

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) + timedelta(days=1) - EPOCH) // MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - timedelta(days=1) - EPOCH) // MICROSECOND
_RELATIVE = re.compile(r"(\d+)\s*(day|week|month|year)s?(?:\s+ago)?$", re.IGNORECASE)
_DATES = "Use 2026-03-01, 2026-03-01T09:30, 2026-03 or '3 months ago'."


def now() -> int:
    return from_datetime(datetime.now(UTC))


def from_datetime(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def to_datetime(moment: int, zone: tzinfo = UTC) -> datetime:
    """The calendar's first or last days for what is outside of it: exports hold moments of any size."""
    moment = min(max(moment, _FIRST), _LAST)
    return (EPOCH + timedelta(microseconds=moment)).astimezone(zone)


def to_iso(moment: int | None, zone: tzinfo = UTC) -> str | None:
    """`2026-03-01T09:30:00Z`, without fractions: for people, JSON and file names' dates."""
    if moment is None:
        return None
    if zone is UTC:  # as most are, and lists are full of them
        at = EPOCH + timedelta(seconds=min(max(moment, _FIRST), _LAST) // SECOND)
        return str(msgspec.to_builtins(at))
    return to_datetime(moment, zone).isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds_until(text: str | None) -> float | None:
    """What `Retry-After` says: a number of seconds, or the seconds until a date."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    from email.utils import parsedate_to_datetime

    try:
        moment = from_datetime(parsedate_to_datetime(text))
    except (TypeError, ValueError):
        return None
    return max(0.0, (moment - now()) / 1_000_000)


def zone_named(name: str) -> tzinfo:
    """The time zone of a setting; "local" is the machine's own."""
    if name == "local":
        return datetime.now().astimezone().tzinfo or UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise Refused(f"There is no time zone {name!r}.", hint="Use a name such as Europe/Berlin.") from exc


def parse(text: str, zone: tzinfo = UTC) -> int:
    """A bound that a person typed: a date, a date with a time, or "3 months ago".

    A date without a time is its first instant in `zone`; bounds are half-open, so `--until 2026-02-01`
    leaves February out.
    """
    cleaned = text.strip()
    relative = _RELATIVE.fullmatch(cleaned)
    if relative:
        return from_datetime(add_months_or_days(datetime.now(zone), -int(relative[1]), relative[2].lower()))
    if cleaned.lower() in {"now", "today", "yesterday"}:
        start = datetime.now(zone)
        if cleaned.lower() != "now":
            start = start.replace(hour=0, minute=0, second=0, microsecond=0)
        return from_datetime(start - timedelta(days=cleaned.lower() == "yesterday"))
    if re.fullmatch(r"\d{4}-\d{2}", cleaned):
        cleaned += "-01"
    elif re.fullmatch(r"\d{4}", cleaned):
        cleaned += "-01-01"
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError as exc:
        raise Refused(f"{text!r} is not a date.", hint=_DATES) from exc
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def add_months_or_days(start: datetime, count: int, unit: str) -> datetime:
    """`start` moved by `count` days, weeks, months or years; the last day of a shorter month where needed."""
    try:
        return _moved(start, count, unit)
    except (ValueError, OverflowError) as exc:
        raise Refused(f"A date {abs(count)} {unit}s away is outside the calendar.", hint=_DATES) from exc


def _moved(start: datetime, count: int, unit: str) -> datetime:
    if unit == "day":
        return start + timedelta(days=count)
    if unit == "week":
        return start + timedelta(weeks=count)
    months = start.year * 12 + start.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    following = datetime(year + (month == 11), (month + 1) % 12 + 1, 1)  # noqa: DTZ001
    last_day = (following - timedelta(days=1)).day
    return start.replace(year=year, month=month + 1, day=min(start.day, last_day))


def windows(since: int, until: int, every: str, zone: tzinfo = UTC) -> list[tuple[int, int]]:
    """Half-open windows that cover `since` to `until`, each `every` long ("1 month", "2 weeks"), by the calendar."""
    match = _RELATIVE.fullmatch(every.strip())
    if not match or int(match[1]) < 1:
        raise Refused(f"{every!r} is not a length of time.", hint="Use '1 month', '2 weeks' or '1 day'.")
    start, end = to_datetime(since, zone), to_datetime(until, zone)
    edges = [start]
    step = 1
    while edges[-1] < end:
        edges.append(min(end, add_months_or_days(start, step * int(match[1]), match[2].lower())))
        step += 1
    moments = [from_datetime(edge) for edge in edges]
    return list(pairwise(moments))

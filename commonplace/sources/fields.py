"""Single values of an export, read leniently: what is not what it should be is absent, never an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from commonplace import moments

YEAR_2000 = 946_684_800
YEAR_2100 = 4_102_444_800
_MICROSECONDS = 1_000_000


def moment(value: object) -> int | None:
    """Seconds, milliseconds, microseconds or ISO text as microseconds; nonsense (negative, beyond 2100) is None."""
    if type(value) is float or type(value) is int:
        if 0 < value < YEAR_2100:
            return int(value * _MICROSECONDS + 0.5) if type(value) is float else int(value) * _MICROSECONDS
        for units in (1_000, 1_000_000, 1_000_000_000):
            if YEAR_2000 * units <= value < YEAR_2100 * units:
                return int(value * _MICROSECONDS // units)
        return None
    return _moment_of_text(value.strip()) if isinstance(value, str) else None


def _moment_of_text(value: str) -> int | None:
    if value[4:5] != "-":  # as every date has it, and no number
        with suppress(ValueError):
            return moment(float(value))
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    found = moments.from_datetime(parsed)
    return found if 0 < found < YEAR_2100 * _MICROSECONDS else None


def text(value: object) -> str | None:
    """`value` if it is text that is not blank."""
    return value if isinstance(value, str) and value.strip() else None


def first_text(holder: dict[str, Any], *keys: str) -> str | None:
    """The first of these that is text and not blank."""
    for key in keys:
        value = holder.get(key)
        if isinstance(value, str) and value.strip():
            return value
    return None


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def dicts(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list; of a lone object, itself."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def strings(value: object) -> list[str]:
    """The non-blank strings of a list; of a lone string, itself."""
    if isinstance(value, str):
        value = [value]
    return [item for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**62 else None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None

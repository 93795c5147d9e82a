"""Settings' types with their bounds, and what is said of a value outside them.

A bound above keeps infinity out, one on either side NaN, and both keep arithmetic with days and seconds possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from commonplace.errors import Refused

A_YEAR = 366 * 86_400
A_LIFE = 36_525

AtLeastOne = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Natural = Annotated[int, Meta(ge=0, le=1_000_000_000)]
"""Where 0 has a meaning of its own."""
Port = Annotated[int, Meta(ge=1, le=65_535)]
AnyPort = Annotated[int, Meta(ge=0, le=65_535)]
"""0: whichever is free."""
Share = Annotated[float, Meta(ge=0, le=1)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
DaysOfAYear = Annotated[int, Meta(ge=1, le=365)]
Seconds = Annotated[float, Meta(gt=0, le=A_YEAR)]
SecondsOfADay = Annotated[float, Meta(gt=0, le=86_400)]
SecondsOrNone = Annotated[float, Meta(ge=0, le=A_YEAR)]
WholeSecondsOrNone = Annotated[int, Meta(ge=0, le=A_YEAR)]
Hours = Annotated[int, Meta(ge=1, le=A_LIFE * 24)]
HoursOrNever = Annotated[int, Meta(ge=0, le=A_LIFE * 24)]
Days = Annotated[int, Meta(ge=1, le=A_LIFE)]
DaysOrNever = Annotated[int, Meta(ge=0, le=A_LIFE)]


def _field_of_cron(values: str) -> str:
    """`*`, a value, a span, each with a step or not, and several with commas between."""
    one = rf"(\*|({values})(-({values}))?)(/[1-9]\d?)?"
    return rf"{one}(,{one})*"


_FIELDS = (
    "[0-5]?[0-9]",
    "[01]?[0-9]|2[0-3]",
    "0?[1-9]|[12][0-9]|3[01]",
    "0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    "0?[0-7]|(?i:sun|mon|tue|wed|thu|fri|sat)",
)
_LINE = r"\s+".join(map(_field_of_cron, _FIELDS))
CRON = rf"^(\s*{_LINE}\s*|@(hourly|daily|weekly|monthly|yearly))?$"
CronLine = Annotated[str, Meta(pattern=CRON)]
"""Five fields or a word for them. Empty: never."""
_RATE = r"^\s*[1-9]\d{0,8}\s*(/|\s+per\s+)\s*([1-9]\d{0,3}\s*)?(?i:second|minute|hour|day|month|year)s?\s*$"
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
"""Of something that a person calls so, in an address and in a file's name: letters, digits, `.`, `_` and `-`."""
Rate = Annotated[str, Meta(pattern=_RATE)]
"""How often."""

_PLACE = re.compile(r"(?P<what>.+) - at `(?:\$\.?)?(?P<where>[^`]*)`", re.DOTALL)
_BOUND = re.compile(r"Expected `(?:int|float)` (?P<sign>[<>]=?) (?P<number>\S+)")
_TYPE = re.compile(r"Expected `(?P<wanted>\w+)`, got `\w+`")
_SHAPES = {
    CRON: "a cron line (minute, hour, day, month, weekday) such as 0 3 * * *, or empty",
    _RATE: "how often in which time, such as 300/minute or 10 per 5 minutes",
}
_SIGNS = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def read_section(values: Mapping[str, Any], kind: type[Any], *, section: str, file: Path | None) -> Any:
    """A section of the settings as its kind. Refused, with the setting's name and the file's."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as exc:
        where = f"{file}: " if file else ""
        raise Refused(f"{where}{explained(str(exc), section=section)}") from exc


def within(value: Any, kind: Any, *, name: str) -> Any:
    """A value that was given for one run, within the bounds of its setting."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as exc:
        raise Refused(explained(f"{exc} - at `$.{name}`")) from exc


def expressions(patterns: Iterable[str], *, group: str, setting: str) -> list[re.Pattern[str]]:
    """Regular expressions that each say by a group what is looked for. Refused where one does not."""
    compiled = []
    for pattern in patterns:
        try:
            expression = re.compile(pattern)
        except re.error as exc:
            raise Refused(f"{setting}: {pattern!r} is not a regular expression: {exc}.") from exc
        if group not in expression.groupindex:
            raise Refused(
                f"{setting}: {pattern!r} has no group named {group}.",
                hint=rf"Write ^\[(?P<{group}>[^\]]+)\] or the like.",
            )
        compiled.append(expression)
    return compiled


def explained(problem: str, *, section: str = "") -> str:
    """What msgspec says of a value in a section of the settings, as a sentence about a setting; never the value."""
    told = _PLACE.fullmatch(problem)
    if not told:
        return f"[{section}] {problem}." if section else f"{problem}."
    where = told["where"].replace("[...]", "")
    if not section:
        section, _, where = where.rpartition(".")
    setting = f"[{section}] {where}" if section else where
    if bound := _BOUND.fullmatch(told["what"]):
        return f"{setting} must be {_SIGNS[bound['sign']]} {float(bound['number']):.10g}."
    if wrong := _TYPE.fullmatch(told["what"]):
        return f"{setting} must be {_TYPES.get(wrong['wanted'], wrong['wanted'])}."
    if shape := next((shape for pattern, shape in _SHAPES.items() if repr(pattern) in told["what"]), None):
        return f"{setting} must be {shape}."
    return f"{setting}: {told['what']}."

"""The moments of My Activity's pages, which are written as the account's language writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from unicodedata import normalize

_HALF = r"(?P<morning>上午|午前|오전|凌晨|早上|पूर्वाह्न)|(?P<afternoon>下午|午後|오후|晚上|中午|अपराह्न)"
_HALF_BEHIND = r"(?P<in_morning>(?-i:SA\b)|पूर्वाह्न)|(?P<in_afternoon>(?-i:CH\b)|अपराह्न)"
_TIME = re.compile(
    rf"(?:(?:{_HALF})\s*)?(?<![\d:])(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?"
    rf"(?:\s*(?:(?P<am>a)|(?P<pm>p))\.?\s?m\b\.?|\s*(?:{_HALF_BEHIND}))?",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"(?<![\d.])(?P<hour>\d{1,2})\.(?P<minute>\d{2})\.(?P<second>\d{2})(?![\d.])")
"""As Finns and Danes write it."""
_YEAR_FIRST = re.compile(r"\b(\d{4})\D{1,3}(\d{1,2})\D{1,3}(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"\b(\d{1,2})([./-])\s?(\d{1,2})[./-]\s?(\d{4})\b")
_NUMBERED_MONTH = re.compile(r"\b(\d{1,2}) (?:thg|tháng)\.? ?(\d{1,2}),? (\d{4})\b", re.IGNORECASE)
_OFFSET = re.compile(r"\b(?:GMT|UTC)([+-]\d{1,2})(?::?(\d{2}))?")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen янв січ sty oca led tammi",
            "feb fév fev фев лют lut şub úno helmi",
            "mar mär mrt мар бер bře maalis márc",
            "apr avr abr апр кві kwi nis dub huhti ápr",
            "may mai mei mag май мая тра maj kvě touko máj",
            "jun juin giu июн чер cze haz čvn kesä jún",
            "jul juil lug июл лип lip tem čvc heinä júl",
            "aug aoû ago авг сер sie ağu srp elo",
            "sep set сен вер wrz eyl zář syys szept",
            "oct okt out ott окт жов paź eki říj loka",
            "nov ноя лис lis kas listopad marras",
            "dec dez déc dic des дек гру gru ara pro joulu",
        ),
        start=1,
    )
    for name in (short[:4] for short in names.split())
}
_UNSPACED_MONTHS = tuple(
    (name, number)
    for number, names in enumerate(
        (
            "ม.ค. มกราคม जन",
            "ก.พ. กุมภาพันธ์ फ़र फर",
            "มี.ค. มีนาคม मार्च",
            "เม.ย. เมษายน अप्रै",
            "พ.ค. พฤษภาคม मई",
            "มิ.ย. มิถุนายน जून",
            "ก.ค. กรกฎาคม जुल",
            "ส.ค. สิงหาคม अग",
            "ก.ย. กันยายน सित",
            "ต.ค. ตุลาคม अक्टू अक्तू",
            "พ.ย. พฤศจิกายน नव",
            "ธ.ค. ธันวาคม दिस",
        ),
        start=1,
    )
    for name in normalize("NFC", names).split()
)
"""Thai and Hindi, whose vowels are no letters to a regular expression, as they are told or begin."""
_BUDDHIST = 543
"""Years that Thailand is ahead."""
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
    "ICT": 7,
    "JST": 9,
    "KST": 9,
    "TRT": 3,
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
    line = normalize("NFC", " ".join(told.split()))
    time = (_TIME.search(line) or _DOTTED.search(line)) if len(line) <= LONGEST else None
    if time is None:
        return None
    parts = time.groupdict()
    is_morning = any(parts.get(name) for name in ("morning", "am", "in_morning"))
    is_afternoon = any(parts.get(name) for name in ("afternoon", "pm", "in_afternoon"))
    is_american = bool(parts.get("am") or parts.get("pm"))
    date = _date(line[: time.start()], is_american=is_american) or _date(line[time.end() :], is_american=False)
    if date is None:
        return None
    year, month, day = date
    year -= _BUDDHIST if year > _BUDDHIST + 1900 else 0
    hour = int(parts["hour"])
    if is_morning or is_afternoon:
        hour = hour % 12 + 12 * is_afternoon
    try:
        return datetime(
            year,
            month,
            day,
            hour,
            int(parts["minute"]),
            int(parts["second"] or 0),
            tzinfo=_zone(line[time.end() :], is_chinese="年" in line),
        )
    except ValueError:
        return None


def _date(told: str, *, is_american: bool) -> tuple[int, int, int] | None:
    if found := _YEAR_FIRST.search(told):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _YEAR_LAST.search(told):
        first, second = int(found[1]), int(found[3])
        is_month_first = second > 12 or (is_american and found[2] == "/" and first <= 12)
        return (int(found[4]), first, second) if is_month_first else (int(found[4]), second, first)
    if found := _NUMBERED_MONTH.search(told):
        return int(found[3]), int(found[2]), int(found[1])
    told = _OFFSET.sub("", told)
    names = (word.casefold() for word in re.findall(r"[^\W\d_]{3,}", told))
    month = next((number for name in names if (number := _MONTHS.get(name[:4]) or _MONTHS.get(name[:3]))), None)
    month = month or next((number for name, number in _UNSPACED_MONTHS if name in told), None)
    numbers = [int(number) for number in re.findall(r"\d+", told)]
    years, days = [number for number in numbers if number > 31], [number for number in numbers if number <= 31]
    if month is None or len(years) != 1 or len(days) != 1:
        return None
    return years[0], month, days[0]


def _zone(told: str, *, is_chinese: bool) -> timezone:
    if found := _OFFSET.search(told):
        hours, minutes = int(found[1]), int(found[2] or 0)
        away = timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes)
    else:
        hours_of = _HOURS | {"CST": 8} if is_chinese else _HOURS
        away = timedelta(hours=next((hours_of[word] for word in told.split() if word in hours_of), 0))
    return timezone(away) if away and abs(away) < timedelta(hours=24) else UTC

"""The entries of My Activity, from its JSON or its page, put together to conversations.

An entry is a question with its answers, and says of no conversation. What followed within half an hour, and was about
something that was told before, counts as the same one; what followed later, only if it speaks of the same all over. A
conversation is decided by neighbours alone and known by its first entry, so that a later export adds to it what is new.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from html import unescape
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

import msgspec

from commonplace.sources.decoding import Undecodable, decode, encode
from commonplace.sources.fields import dicts, first_text, moment
from commonplace.sources.gemini.dates import datetime_of
from commonplace.sources.splitting import Flaw, split

MOST = 500_000
"""Entries of a file: where each stands is in memory."""
PROMPTED = ("Prompted ", "Said ", "Asked ")
_DONE = ("Created ", "Used ", "Selected ", "Gave feedback")
"""How the titles of what was not asked begin."""
_OURS = re.compile(r"Gemini|Bard")
_CELL = re.compile(rb'<div class="outer-cell')
_HEADER = re.compile(r'<p class="[^"]*--title">(.*?)</p>', re.DOTALL)
_SAID = re.compile(r'<div class="content-cell[^"]*body-1">(.*?)(?=<div class="content-cell|\Z)', re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_FILE = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_ATTACHED = re.compile(r"Attached \d+ files?\.")
_LONGEST_NAME = 4_000
_MINUTE = 60_000_000
_SOON, _LATE = 30 * _MINUTE, 6 * 60 * _MINUTE
_LETTER = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SHORTEST = 4
_SPACED = re.compile(rf"{_LETTER.pattern}{{{_SHORTEST},}}")
_LETTERS = bytes(byte if chr(byte).isalpha() else 32 for byte in bytes(range(256)).lower())
"""What becomes of each character of a text in ASCII."""
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
"""Scripts without spaces: their words are pairs of characters."""
_FEW = 3
"""Words that are too little to go by: "why?", "go on"."""


def split_activity(data: memoryview) -> Iterator[memoryview | Flaw]:
    """The entries of each conversation, oldest first, encoded; then whatever is no entry.

    Only their places are in memory together: a file of all that somebody asked in years is read twice instead.
    """
    is_page = bytes(data[:200]).lstrip()[:1] == b"<"
    check = _entry_of_cell if is_page else _entry_of_json
    read: Callable[[memoryview], Any] = _entry_of_cell if is_page else decode  # which was looked at by then
    times = array("q")
    pieces: list[msgspec.Raw | memoryview] = []
    for number, piece in enumerate(_cells(data) if is_page else split(data)):
        if len(pieces) == MOST:
            yield Flaw(number, f"more than {MOST:,} entries, which no activity has")
            break
        entry = piece if isinstance(piece, Flaw) else check(piece)
        if isinstance(entry, Flaw) or isinstance(piece, Flaw):
            yield Flaw(number, entry.reason) if isinstance(entry, Flaw) else piece
        else:
            times.append(moment(entry["time"]) or 0)
            pieces.append(piece.obj if isinstance(piece.obj, msgspec.Raw) else piece)  # a quarter of the memory
    order = sorted(range(len(times) - 1, -1, -1), key=times.__getitem__)  # the newest comes first
    entries = ((times[place], read(memoryview(pieces[place]))) for place in order)
    yield from (memoryview(encode(group)) for group in _grouped(entries))


def _entry_of_json(piece: memoryview) -> dict[str, Any] | Flaw:
    try:
        entry = decode(piece)
    except Undecodable as exc:
        return Flaw(0, str(exc))
    if not isinstance(entry, dict) or not (first_text(entry, "title") and first_text(entry, "time")):
        return Flaw(0, "an entry without a title or a time")
    if not _OURS.search(first_text(entry, "header") or ""):
        return Flaw(0, "an entry of another of Google's services")
    return entry


def _cells(page: memoryview) -> Iterator[memoryview]:
    starts = [found.start() for found in _CELL.finditer(page)]
    return (page[start:end] for start, end in zip(starts, [*starts[1:], len(page)], strict=True))


def _entry_of_cell(piece: memoryview) -> dict[str, Any] | Flaw:
    """An entry of the page, as the JSON would have it."""
    cell = bytes(piece).decode("utf-8", "replace")
    header, said = _HEADER.search(cell[:_LONGEST_NAME]), _SAID.search(cell)
    if said is None or header is None:
        return Flaw(0, "an entry without words")
    if not _OURS.search(header[1]):
        return Flaw(0, "an entry of another of Google's services")
    return _entry(_plain(header[1]), said[1])


def _entry(header: str, said: str) -> dict[str, Any] | Flaw:
    """Title, files and the moment stand in lines; what follows is the answer."""
    lines: list[str] = []
    before, when = 0, None
    for start, end in [*(found.span() for found in _BREAK.finditer(said)), (len(said), len(said))]:
        line, before = said[before:start], end
        when = datetime_of(_plain(line)) if lines else None
        if when is not None:
            break
        lines.append(line)
    if when is None:
        return Flaw(0, "an entry without a time that can be read")
    told = [_plain(line) for line in lines]
    found = {place: _FILE.search(lines[place][:_LONGEST_NAME]) for place, line in enumerate(told) if line[:1] == "-"}
    files = {place: unescape(named[1]) for place, named in found.items() if named}
    title = [line for place, line in enumerate(told) if place not in files and not _ATTACHED.fullmatch(line)]
    answer = said[before:].removesuffix("</div>").strip()
    return {
        "header": header,
        "title": "\n".join(title).strip(),
        "time": when.astimezone(UTC).isoformat(),
        **({"attachedFiles": list(files.values())} if files else {}),
        **({"safeHtmlItem": [{"html": answer}]} if _plain(answer) else {}),
    }


def _plain(html: str) -> str:
    return unescape(_TAG.sub("", html)).replace("\xa0", " ").strip()


def is_question(entry: dict[str, Any]) -> bool:
    """Not something that was done, such as a praise. In other languages, what has an answer was asked."""
    title: str = entry["title"]
    return title.startswith(PROMPTED) or (bool(entry.get("safeHtmlItem")) and not title.startswith(_DONE))


class _Asked(NamedTuple):
    """An entry, when it was, and the words of a question, short ones too."""

    entry: dict[str, Any]
    at: int
    words: set[str]
    is_question: bool


def _grouped(entries: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    before = _Asked({}, 0, set(), False)
    for at, entry in entries:
        is_asked = is_question(entry)
        asked = _Asked(entry, at, _words(entry["title"]) if is_asked else set(), is_asked)
        if group and not _goes_on(before, asked):
            yield group
            group = []
        if is_asked or not group:
            before = asked
        group.append(entry)
    if group:
        yield group


def _goes_on(before: _Asked, asked: _Asked) -> bool:
    gap = asked.at - before.at
    if not asked.is_question:
        return gap <= _SOON
    if gap > _LATE or _assistant(before.entry) != _assistant(asked.entry):
        return False
    alike = _telling(asked.words & before.words)
    if gap <= _SOON and alike:
        return True
    words = _telling(asked.words)
    if gap <= _SOON and len(words) < _FEW:
        return True
    missing = 1 if gap <= _SOON else ceil(max(_FEW, len(words) / 2)) - len(alike)
    return missing <= 0 or _are_in(words - alike, _answers(before.entry), at_least=missing)


def _telling(words: set[str]) -> set[str]:
    """Those that are long enough to be about something; a pair of characters always is."""
    return {word for word in words if len(word) >= _SHORTEST or not word.isascii()}


def _assistant(entry: dict[str, Any]) -> str | None:
    """The Gem that was asked."""
    if "subtitles" not in entry:
        return None
    urls = (first_text(told, "url") for told in dicts(entry.get("subtitles")))
    return next((url for url in urls if url and "/gems/" in url), None)


def _answers(entry: dict[str, Any]) -> str:
    told = (_TAG.sub(" ", first_text(item, "html") or "") for item in dicts(entry.get("safeHtmlItem")))
    return " ".join(told).casefold()


def _are_in(words: set[str], text: str, *, at_least: int) -> bool:
    """Whether so many of them are words of the text. One looks no longer than it is open."""
    spare = len(words) - at_least
    for word in words:
        if spare < 0 or at_least == 0:
            break
        if word in text and _is_word(word, text):
            at_least -= 1
        else:
            spare -= 1
    return at_least == 0


def _is_word(word: str, text: str) -> bool:
    """Whether what is in the text is a word of it: to look for a few is quicker than to cut a long one into all."""
    if _UNSPACED.match(word):
        return True
    place = text.find(word)
    while place >= 0:
        end = place + len(word)
        if not (_LETTER.match(text, end) or (place and _LETTER.match(text, place - 1))):
            return True
        place = text.find(word, end)
    return False


def _words(text: str) -> set[str]:
    text = next((text.removeprefix(start) for start in PROMPTED if text.startswith(start)), text)
    if text.isascii():  # a quarter of the time that a large export takes would go into looking for more than there is
        return set(text.encode().translate(_LETTERS).decode().split())
    pairs = {first + second for run in set(_UNSPACED.findall(text)) for first, second in pairwise(run)}
    return pairs | set(_SPACED.findall(text.casefold()))

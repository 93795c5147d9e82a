"""A CSV file of messages, newest first, as one item for each conversation: rows of one title belong together."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from commonplace.sources.decoding import encode
from commonplace.sources.splitting import Flaw

COLUMNS = ("Conversation", "Time", "Author", "Message")
LARGEST = 200_000_000
"""Bytes of a file. The rows of a conversation lie all over it, so that all of them are in memory at once."""
_LONGEST_CELL = 10_000_000
_LINE = re.compile(rb"[^\n]*\n?")


def split_rows(data: memoryview) -> Iterator[memoryview | Flaw]:
    """The rows of each title in their order, encoded: a conversation that stays as it is has the same bytes again."""
    if len(data) > LARGEST:
        yield Flaw(0, f"larger than {LARGEST:,} bytes, which no history of Copilot is")
        return
    found: dict[str, list[dict[str, str]]] = {}
    header: list[str] | None = None
    for number, row in enumerate(_rows(data)):
        if isinstance(row, list) and header is None:
            header = list(map(_named, row))
        elif isinstance(row, list) and header is not None and len(row) == len(header):
            told = dict.fromkeys(COLUMNS, "") | dict(zip(header, row, strict=True))
            found.setdefault(told[COLUMNS[0]], []).append(told)
        elif row != []:
            yield Flaw(number, "a row with other columns than the first one" if row else "a row that is no CSV")
    yield from (memoryview(encode(rows)) for rows in found.values())


def _named(column: str) -> str:
    """Whoever opened the file and saved it again may have other letters, and other places, for the same columns."""
    return next((name for name in COLUMNS if name.casefold() == column.strip().casefold()), column)


def _rows(data: memoryview) -> Iterator[list[str] | None]:
    """None for what is none."""
    csv.field_size_limit(_LONGEST_CELL)
    first = (_LINE.match(data) or [b""])[0]
    lines = (line[0].decode("utf-8", "replace") for line in _LINE.finditer(data))
    reader = csv.reader(lines, delimiter=";" if first.count(b";") > first.count(b",") else ",")
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None

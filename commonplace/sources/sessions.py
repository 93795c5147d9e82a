"""Histories that coding agents keep on this machine: a file for each session, a record on each line.

A file may be read while its session goes on: what follows the last end of a line is still being written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from commonplace.sources.decoding import Undecodable, decode

DAMAGED = "line.damaged"
_LINE = re.compile(rb"[^\n]*[^\s][^\n]*(\n?)")


def records(data: memoryview) -> Iterator[dict[str, Any] | None]:
    """Every line's record, None for one that is damaged; the last line counts only if it is whole."""
    for line in _LINE.finditer(data):
        try:
            found = decode(data[slice(*line.span())])
        except Undecodable:
            if line[1]:
                yield None
            continue
        yield found if isinstance(found, dict) else None

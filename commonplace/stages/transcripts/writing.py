"""A selection of conversations into one file, one after the other, in the form that is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from commonplace.archive.conversations.reading import Filed, load_filed
from commonplace.archive.core import Archive
from commonplace.archive.figures.whole_file import whole_file

Write = Callable[[Filed], bytes | None]
"""A conversation as its piece of the file; None where nothing of it belongs there."""


_ENDS_OF_LINES = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")


class Form(NamedTuple):
    write: Write
    start: bytes = b""
    between: bytes = b""
    end: bytes = b""


class Written(NamedTuple):
    conversations: int
    left_out: int
    """Those of which nothing belongs into such a file."""


def lines_of(made: Callable[[Filed], object | None]) -> Form:
    """One line of JSON for each conversation."""

    def write(filed: Filed) -> bytes | None:
        told = made(filed)
        return None if told is None else on_one_line(msgspec.json.encode(told))

    return Form(write)


def on_one_line(told: bytes) -> bytes:
    """JSON that is one line for every reader: some also end one at what Unicode says separates lines."""
    return _ENDS_OF_LINES.sub(lambda found: json.dumps(found[0].decode())[1:-1].encode(), told) + b"\n"


def write_transcripts(archive: Archive, path: Path, ids: Sequence[str], form: Form) -> Written:
    """Write these conversations, some hundred in memory at a time; a file that is there is replaced at the end."""
    written = 0
    with whole_file(path, "The export") as unfinished, unfinished.open("wb") as out:
        out.write(form.start)
        for piece in _pieces(archive, ids, form):
            out.write(form.between * bool(written) + piece)
            written += 1
        out.write(form.end)
    return Written(written, len(ids) - written)


def _pieces(archive: Archive, ids: Sequence[str], form: Form) -> Iterator[bytes]:
    told = (form.write(filed) for filed in load_filed(archive, ids))
    return (piece for piece in told if piece is not None)

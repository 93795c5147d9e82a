"""Which of an export's files hold conversations, in which order, and which tell about them.

The manifest's word comes first, then numbered files, then any other json whose items look like conversations: by
content, not by name. What we cannot use is listed with a reason, never fatal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import msgspec

from commonplace.errors import Defect, LeftOut
from commonplace.sources.chatgpt.assets import ASSET_NAME
from commonplace.sources.chatgpt.describing import (
    DESCRIBING,
    EXPECTED,
    MANIFEST,
    assets_of,
    describe,
    listed_in_manifests,
    said_of,
)
from commonplace.sources.chatgpt.records import Kind, kind_of_file
from commonplace.sources.chatgpt.surroundings import Surroundings
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Sure
from commonplace.sources.linked import last_of
from commonplace.sources.shapes import CHATGPT

_NAMED = re.compile(r"conversations(?:[-_. ]?(\d+))?(?: ?\(\d+\))?\.json", re.IGNORECASE)
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".7z"})
_HOLDS_NOTHING = re.compile(rb'\s*(?:\[\s*\]|\{\s*\}|\{\s*"\w+"\s*:\s*(?:\[\s*\]|\{\s*\}|null)\s*\})?\s*')
_SHORT = 64


class Layout(msgspec.Struct):
    """What there is to read."""

    conversations: list[str]
    records: list[tuple[Kind, str]]
    """Files of other things that are words."""
    missing: list[Defect]
    left_out: list[LeftOut]
    around: Surroundings


def detect(contents: Contents) -> Sure:
    sure = max((_sureness(contents, name) for name in contents.members), default=Sure.NO)
    return Sure.NO if sure is Sure.PERHAPS and contents.owners() - {CHATGPT} else sure


def _sureness(contents: Contents, name: str) -> Sure:
    """How much one file speaks for a ChatGPT export."""
    base = last_of(name)
    if base == MANIFEST:
        return Sure.PERHAPS
    if base in DESCRIBING or base in EXPECTED or ASSET_NAME.match(base):
        return Sure.NO
    is_named = contents.is_lone or _NAMED.fullmatch(base) is not None
    if contents.head(name).owner == CHATGPT:
        return Sure.CERTAIN if is_named else Sure.LIKELY
    return Sure.PERHAPS if _holds_conversations(contents, name) else Sure.NO


def survey(contents: Contents) -> Layout:
    """Read the small files, look at the start of the others."""
    described = describe(contents)
    assets = assets_of(contents, described)
    listed, missing = listed_in_manifests(described, contents.members)
    found: list[str] = []
    records: list[tuple[Kind, str]] = []
    left_out = list(contents.left_out)
    for name in sorted(contents.members, key=_reading_order):
        base = last_of(name)
        if base in DESCRIBING or base in EXPECTED or assets.is_asset(name):
            continue
        if kind := kind_of_file(name):
            records.append((kind, name))
        elif _holds_conversations(contents, name):
            found.append(name)
        elif not _holds_nothing(contents, name):
            left_out.append(LeftOut(name, _why_not_read(contents, name)))
    if not listed:
        left_out += _gaps(found)
    first = [name for name in listed if name in set(found)]
    return Layout(
        conversations=list(dict.fromkeys([*first, *found])),
        records=records,
        missing=missing,
        left_out=left_out,
        around=Surroundings(assets=assets, said=said_of(described)),
    )


def _reading_order(name: str) -> tuple[str, int, str]:
    """Numbered files by number, within their folder."""
    path = PurePosixPath(name)
    numbered = _NAMED.fullmatch(path.name)
    return (str(path.parent), int(numbered[1] or 0) if numbered else 1_000_000, path.name)


def _holds_conversations(contents: Contents, name: str) -> bool:
    """By its items; where it has none to show, by its name."""
    head = contents.head(name)
    if head.owner is not None:
        return head.owner == CHATGPT
    if _NAMED.fullmatch(last_of(name)):
        return not head.keys or bool({"id", "conversation_id"} & head.keys)
    return contents.is_lone and head.is_empty


def _holds_nothing(contents: Contents, name: str) -> bool:
    """Many exports have files for what a person never used."""
    size = contents.members[name]
    start = contents.start(name, _SHORT) if 0 < size <= _SHORT else b""
    return not size or (start != b"" and _HOLDS_NOTHING.fullmatch(start) is not None)


def _why_not_read(contents: Contents, name: str) -> str:
    owner = contents.head(name).owner
    if owner is not None:
        return f"conversations of {owner}"
    if not contents.start(name, _SHORT):
        return "it cannot be read"
    is_archive = PurePosixPath(name).suffix.lower() in _ARCHIVES
    return "an archive within the export" if is_archive else "not read by this version"


def _gaps(names: Iterable[str]) -> Iterator[LeftOut]:
    """The numbers that are missing between the first and the last file of a sequence."""
    before: tuple[str, int] | None = None
    for name in names:
        path = PurePosixPath(name)
        numbered = _NAMED.fullmatch(path.name)
        if numbered is None or numbered[1] is None:
            continue
        number = int(numbered[1])
        if before is not None and before[0] == str(path.parent) and number > before[1] + 1:
            yield LeftOut(
                _range(name, numbered, before[1] + 1, number - 1), "missing from the sequence", number - before[1] - 1
            )
        before = (str(path.parent), number)


def _range(name: str, numbered: re.Match[str], first: int, last: int) -> str:
    """The names of absent files, as one beside them is named."""
    stem, end = name[: -len(numbered.string) + numbered.start(1)], numbered.string[numbered.end(1) :]
    width = len(numbered[1])
    told = f"{stem}{first:0{width}}{end}"
    return told if first == last else f"{told} to {last:0{width}}"

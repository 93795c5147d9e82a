"""Which sources there are, and which of them reads a file: by what is in it, never by its name."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import cast

from commonplace.errors import Refused
from commonplace.sources.contents import Contents, Unchanged, open_contents
from commonplace.sources.contract import Export, Sender, Source, Sure
from commonplace.sources.file_types import UNPACK, packed_with
from commonplace.sources.limits import Limits

SOURCES: dict[str, str] = {
    name: f"commonplace.sources.{name}"
    for name in (
        "chatgpt",
        "chatgpt_compliance",
        "claude",
        "claude_code",
        "codex",
        "deepseek",
        "grok",
        "lechat",
        "librechat",
        "openwebui",
        "aistudio",
        "copilot",
        "perplexity",
        "gemini",
    )
}
"""Each source's name and its package, which loads when a file is looked at."""


_WIDE = re.compile(rb"\xff\xfe|\xfe\xff|\0{0,3}[\[{<]\0")
"""UTF-16 or UTF-32, with the mark at its beginning or without."""
_PAGE = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)
_ZIP = b"PK\x03\x04"
_MOST_NAMED = 3
_START = 512


SENDERS: dict[str, str] = {"omi": "commonplace.sources.omi"}
"""Those that send conversations one at a time."""


def sender(name: str) -> Sender:
    """Who sends under this name."""
    return cast(Sender, import_module(SENDERS[name]))


@cache
def sources() -> tuple[Source, ...]:
    return tuple(cast(Source, import_module(module).SOURCE) for module in SOURCES.values())


def readers_version() -> str:
    """Another one whenever a file might be read otherwise: by a new source, or by a newer version of one."""
    versions = ",".join(f"{source.name}={source.reader_version}" for source in sources())
    return blake2b(versions.encode(), digest_size=8).hexdigest()


@contextlib.contextmanager
def open_export(
    path: Path, *, limits: Limits | None = None, unchanged: Mapping[str, Unchanged] | None = None
) -> Iterator[Export]:
    """The export at `path`: a zip, a folder or a file of one. Files of it that are `unchanged` are skipped unopened.

    Raises `Refused` if it is damaged or hostile, or if no source, or more than one, takes it for its own.
    """
    contents = open_contents(path, limits, unchanged)
    try:
        yield _source_of(contents).open(contents)
    finally:
        contents.close()


def _source_of(contents: Contents) -> Source:
    sureness = {source.title: (source.detect(contents), source) for source in sources()}
    surest = max(sure for sure, _ in sureness.values())
    candidates = [source for sure, source in sureness.values() if sure == surest]
    if surest <= Sure.PERHAPS and (otherwise := _instead(contents)):
        raise Refused(otherwise[0], hint=otherwise[1])
    if surest is Sure.NO:
        _refuse_zips(contents)
        raise Refused(_why_none(contents), hint=_hint())
    if len(candidates) > 1:
        titles = _listed([source.title for source in candidates])
        raise Refused(f"{contents.name!r} holds exports of {titles}.", hint="Import each of them by itself.")
    return candidates[0]


def _instead(contents: Contents) -> tuple[str, str] | None:
    """What was brought in place of an export, and what to do; None where there is no more to say."""
    for name in _telling(contents):
        start = contents.start(name, _START)
        if packed := packed_with(start):
            return f"{name!r} is packed with {packed}, which Commonplace does not open.", UNPACK
        if _WIDE.match(start):
            return f"{name!r} is text in UTF-16, and exports are in UTF-8.", "Import the file as it came."
        if contents.is_lone and _PAGE.match(start):
            return (
                f"{name!r} is a web page in which there are no conversations.",
                "Import the whole export as it came. If this is what came, sign in and download it again.",
            )
    return None


def _telling(contents: Contents) -> Iterator[str]:
    """The file itself; of several, those that are called as what holds conversations is."""
    for name in contents.members:
        if contents.is_lone or name.lower().endswith((".json", ".jsonl", ".csv", ".html")):
            yield name


def _refuse_zips(contents: Contents) -> None:
    called_so = (name for name in contents.members if name.lower().endswith(".zip"))
    zips = [name for name in called_so if contents.start(name, len(_ZIP)) == _ZIP]
    if zips and not contents.lacking_parts:
        named = ", ".join(zips[:_MOST_NAMED]) + (" and others" if len(zips) > _MOST_NAMED else "")
        raise Refused(
            f"{contents.name!r} holds zips ({named}), and no conversations beside them.", hint="Import each of those."
        )


def _why_none(contents: Contents) -> str:
    if not any(contents.members.values()):
        return f"{contents.name!r} is empty."
    if parts := contents.lacking_parts:
        return f"{contents.name!r} lists parts of an export that are not in it ({', '.join(parts[:5])}). Import those."
    return f"{contents.name!r} holds no conversations that Commonplace recognises."


def _hint() -> str:
    titles = [source.title for source in sources()]
    return f"Commonplace reads exports of {_listed(titles)}: the zip as it came, its folder, or a file of it."


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

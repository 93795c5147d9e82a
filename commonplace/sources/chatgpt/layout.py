"""Which of an export's files hold conversations, in which order, and which tell about them.

The manifest's word comes first, then numbered files, then any other json whose items look like conversations: by
content, not by name. What we cannot use is listed with a reason, never fatal.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from commonplace.errors import Defect
from commonplace.sources.chatgpt.assets import ASSET_NAME, Assets
from commonplace.sources.chatgpt.containers import Container, Unreadable
from commonplace.sources.chatgpt.conversations import Said, whose
from commonplace.sources.chatgpt.decoding import Undecodable, decode, storable
from commonplace.sources.chatgpt.fields import dicts, first_text, mapping, strings
from commonplace.sources.chatgpt.splitting import keys_at_start, without_bom

MANIFEST = "export_manifest.json"
_NAMED = re.compile(r"conversations(?:[-_. ]?(\d+))?(?: ?\(\d+\))?\.json", re.IGNORECASE)
_PEEK = 262_144
_MAX_DESCRIBING = 500_000_000
_DESCRIBING = frozenset(
    {
        MANIFEST,
        "conversation_asset_file_names.json",
        "library_files.json",
        "message_feedback.json",
        "shared_conversations.json",
        "user.json",
    }
)
_EXPECTED = frozenset({"chat.html", "conversations.json.index", "user_settings.json", "LICENSE"})
"""Files that say nothing which the others do not."""


class Layout(msgspec.Struct):
    """What there is to read."""

    conversations: list[str]
    missing: list[Defect]
    unknown: list[str]
    assets: Assets
    said: Said
    extras: dict[str, Any]
    others: set[str]
    """The assistants whose conversations were met."""


def survey(container: Container) -> Layout:
    """Read the small files, look at the start of the others."""
    by_base: dict[str, list[str]] = {}
    for name in sorted(container.members):
        by_base.setdefault(PurePosixPath(name).name, []).append(name)
    described = {
        base: [(name, value) for name in by_base.get(base, ()) if (value := _read(container, name)) is not None]
        for base in _DESCRIBING
    }
    assets = _assets(container, described)
    found: list[str] = []
    unknown: list[str] = []
    others: set[str] = set()
    for name in sorted(container.members, key=_reading_order):
        base = PurePosixPath(name).name
        if base in _DESCRIBING or base in _EXPECTED or assets.is_asset(name):
            continue
        owner, reason = _look_at(container, name)
        if owner == "ChatGPT":
            found.append(name)
        else:
            unknown.append(f"{name} ({reason})" if reason else name)
            others.update({owner} if owner else ())
    listed, missing = _manifest(described[MANIFEST], container.members)
    first = [name for name in listed if name in set(found)]
    extras = {base: value for base in sorted(_DESCRIBING) for _, value in described[base]}
    return Layout(
        conversations=list(dict.fromkeys([*first, *found])),
        missing=missing,
        unknown=sorted(unknown),
        assets=assets,
        said=_said(described),
        extras={key: extras[key] for key in ("user.json",) if key in extras},
        others=others,
    )


def _read(container: Container, name: str) -> Any:
    """The value of a small json; None if it cannot be read, which only costs what it would have told."""
    try:
        data = without_bom(container.load(name))
        return decode(data) if len(data) <= _MAX_DESCRIBING else None
    except (Unreadable, Undecodable):
        return None


def _reading_order(name: str) -> tuple[str, int, str]:
    """Numbered files by number, within their folder."""
    path = PurePosixPath(name)
    numbered = _NAMED.fullmatch(path.name)
    return (str(path.parent), int(numbered[1] or 0) if numbered else 1_000_000, path.name)


def _look_at(container: Container, name: str) -> tuple[str | None, str | None]:
    """Whose conversations a file holds, else why it is not read."""
    is_lone = len(container.members) == 1
    path = PurePosixPath(name)
    if path.suffix.lower() != ".json" and not is_lone:
        return None, "an archive within the export" if path.suffix.lower() in (".zip", ".tar", ".gz", ".7z") else None
    try:
        with container.open(name) as stream:
            start = stream.read(_PEEK)
    except (Unreadable, zipfile.BadZipFile, zlib.error, EOFError, OSError):
        start = b""
    outer, inner = keys_at_start(without_bom(start).tobytes())
    owner = whose(inner) or whose(outer)
    is_named = _NAMED.fullmatch(path.name) is not None
    if owner is None and is_named and (not inner or {"id", "conversation_id"} & inner):
        return "ChatGPT", None
    if owner is None and is_lone and without_bom(start).tobytes().strip(b" \r\n\t") in (b"[]", b'{"conversations":[]}'):
        return "ChatGPT", None
    return owner, None if owner is None else f"{owner} conversations"


def _manifest(manifests: list[tuple[str, Any]], members: Iterable[str]) -> tuple[list[str], list[Defect]]:
    """The files that the manifests list as conversations, and those of them that are absent."""
    names = set(members)
    by_base = {PurePosixPath(name).name: name for name in sorted(names, reverse=True)}
    listed: list[str] = []
    missing: list[Defect] = []
    for place, manifest in manifests:
        logical = mapping(mapping(mapping(manifest).get("logical_files")).get("conversations.json"))
        for path in strings(logical.get("files")):
            beside = str(PurePosixPath(place).parent / path)
            name = beside if beside in names else by_base.get(PurePosixPath(path).name)
            if name is not None:
                listed.append(name)
            else:
                missing.append(Defect(path, "", f"listed in {place} but not in the export"))
    return listed, missing


def _assets(container: Container, described: dict[str, list[tuple[str, Any]]]) -> Assets:
    names: dict[str, str] = {}
    for _, value in described["conversation_asset_file_names.json"]:
        names.update((key, told) for key, told in mapping(value).items() if isinstance(told, str) and told.strip())
    library = [record for _, value in described["library_files.json"] for record in _records(value)]

    def first_bytes(member: str) -> bytes:
        try:
            with container.open(member) as stream:
                return stream.read(16)
        except (Unreadable, zipfile.BadZipFile, zlib.error, EOFError, OSError):
            return b""

    members = sorted(name for name in container.members if _may_be_asset(name)) if len(container.members) > 1 else ()
    return Assets(members, names=names, library=library, first_bytes=first_bytes)


def _may_be_asset(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() not in (".json", ".html", ".index") or ASSET_NAME.match(path.name) is not None


def _said(described: dict[str, list[tuple[str, Any]]]) -> Said:
    said = Said()
    for _, value in described["message_feedback.json"]:
        for entry in _records(value):
            if conversation := first_text(entry, "conversation_id"):
                kept = {
                    key: storable(told) for key, told in entry.items() if told not in (None, "") and key not in _PRIVATE
                }
                said.feedback.setdefault(conversation, []).append(kept)
    for _, value in described["shared_conversations.json"]:
        for entry in _records(value):
            if conversation := first_text(entry, "conversation_id"):
                kept = {
                    key: storable(entry[key]) for key in ("id", "title", "is_anonymous") if entry.get(key) is not None
                }
                said.shared.setdefault(conversation, []).append(kept)
    return said


_PRIVATE = frozenset({"user_id", "conversation_id", "workspace_id"})


def _records(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list, or of the first list in an object around it."""
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, list)), [])
    yield from dicts(value)

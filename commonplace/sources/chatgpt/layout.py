"""Which of an export's files hold conversations, in which order, and which tell about them.

The manifest's word comes first, then numbered files, then any other json whose items look like conversations: by
content, not by name. What we cannot use is listed with a reason, never fatal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from commonplace.errors import Defect
from commonplace.sources.chatgpt.assets import ASSET_NAME, Assets
from commonplace.sources.chatgpt.surroundings import Said, Surroundings
from commonplace.sources.containers import Unreadable
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Sure
from commonplace.sources.decoding import Undecodable, decode, storable
from commonplace.sources.fields import dicts, first_text, mapping, strings
from commonplace.sources.shapes import CHATGPT
from commonplace.sources.splitting import without_bom

MANIFEST = "export_manifest.json"
_NAMED = re.compile(r"conversations(?:[-_. ]?(\d+))?(?: ?\(\d+\))?\.json", re.IGNORECASE)
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
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".7z"})


class Layout(msgspec.Struct):
    """What there is to read."""

    conversations: list[str]
    missing: list[Defect]
    unknown: list[str]
    around: Surroundings


def detect(contents: Contents) -> Sure:
    sure = max((_sureness(contents, name) for name in contents.members), default=Sure.NO)
    return Sure.NO if sure is Sure.PERHAPS and contents.owners() - {CHATGPT} else sure


def _sureness(contents: Contents, name: str) -> Sure:
    """How much one file speaks for a ChatGPT export."""
    base = PurePosixPath(name).name
    if base == MANIFEST:
        return Sure.PERHAPS
    if base in _DESCRIBING or base in _EXPECTED or ASSET_NAME.match(base):
        return Sure.NO
    is_named = contents.is_lone or _NAMED.fullmatch(base) is not None
    if contents.head(name).owner == CHATGPT:
        return Sure.CERTAIN if is_named else Sure.LIKELY
    return Sure.PERHAPS if _holds_conversations(contents, name) else Sure.NO


def survey(contents: Contents) -> Layout:
    """Read the small files, look at the start of the others."""
    by_base: dict[str, list[str]] = {}
    for name in sorted(contents.members):
        by_base.setdefault(PurePosixPath(name).name, []).append(name)
    described = {
        base: [(name, value) for name in by_base.get(base, ()) if (value := _read(contents, name)) is not None]
        for base in _DESCRIBING
    }
    assets = _assets(contents, described)
    found: list[str] = []
    unknown: list[str] = []
    for name in sorted(contents.members, key=_reading_order):
        base = PurePosixPath(name).name
        if base in _DESCRIBING or base in _EXPECTED or assets.is_asset(name):
            continue
        if _holds_conversations(contents, name):
            found.append(name)
        else:
            reason = _why_not_read(contents, name)
            unknown.append(f"{name} ({reason})" if reason else name)
    listed, missing = _manifest(described[MANIFEST], contents.members)
    first = [name for name in listed if name in set(found)]
    return Layout(
        conversations=list(dict.fromkeys([*first, *found])),
        missing=missing,
        unknown=sorted(unknown),
        around=Surroundings(assets=assets, said=_said(described)),
    )


def _read(contents: Contents, name: str) -> Any:
    """The value of a small json; None if it cannot be read, which only costs what it would have told."""
    try:
        data = without_bom(contents.load(name))
        return decode(data) if len(data) <= _MAX_DESCRIBING else None
    except (Unreadable, Undecodable):
        return None


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
    if _NAMED.fullmatch(PurePosixPath(name).name):
        return not head.keys or bool({"id", "conversation_id"} & head.keys)
    return contents.is_lone and head.is_empty


def _why_not_read(contents: Contents, name: str) -> str | None:
    owner = contents.head(name).owner
    if owner is not None:
        return f"{owner} conversations"
    return "an archive within the export" if PurePosixPath(name).suffix.lower() in _ARCHIVES else None


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


def _assets(contents: Contents, described: dict[str, list[tuple[str, Any]]]) -> Assets:
    names: dict[str, str] = {}
    for _, value in described["conversation_asset_file_names.json"]:
        names.update((key, told) for key, told in mapping(value).items() if isinstance(told, str) and told.strip())
    library = [record for _, value in described["library_files.json"] for record in _records(value)]

    members = sorted(name for name in contents.members if _may_be_asset(name)) if len(contents.members) > 1 else ()
    return Assets(members, names=names, library=library, first_bytes=lambda name: contents.start(name, 16))


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

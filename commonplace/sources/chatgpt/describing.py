"""What an export's smaller files tell of its conversations and attachments. What cannot be read costs what it tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from commonplace.errors import Defect
from commonplace.sources.chatgpt.assets import ASSET_NAME, Assets
from commonplace.sources.chatgpt.surroundings import Said
from commonplace.sources.containers import Unreadable
from commonplace.sources.contents import Contents
from commonplace.sources.decoding import Undecodable, decode, storable
from commonplace.sources.fields import dicts, first_text, mapping, strings
from commonplace.sources.splitting import value_at, without_bom

MANIFEST = "export_manifest.json"
CHAT_HTML = "chat.html"
DESCRIBING = frozenset(
    {
        MANIFEST,
        "conversation_asset_file_names.json",
        "library_files.json",
        "message_feedback.json",
        "shared_conversations.json",
    }
)
EXPECTED = frozenset({CHAT_HTML, "conversations.json.index", "user.json", "user_settings.json", "LICENSE"})
"""Files that say nothing which the others do not, or only who the person is."""

_MOST_BYTES = 500_000_000
_PRIVATE = frozenset({"user_id", "conversation_id", "workspace_id"})
_ASSETS_IN_PAGE = re.compile(rb"\bassetsJson\s*=\s*(?=\{)")

Described = dict[str, list[tuple[str, Any]]]
"""Each kind of file by its name: where it is, and its value."""


def describe(contents: Contents) -> Described:
    found: Described = {base: [] for base in DESCRIBING}
    for name in sorted(contents.members):
        base = PurePosixPath(name).name
        if base in DESCRIBING and (value := _read(contents, name)) is not None:
            found[base].append((name, value))
    return found


def _read(contents: Contents, name: str) -> Any:
    try:
        data = without_bom(contents.load(name))
        return decode(data) if len(data) <= _MOST_BYTES else None
    except (Unreadable, Undecodable):
        return None


def listed_in_manifests(described: Described, members: Iterable[str]) -> tuple[list[str], list[Defect]]:
    """The files that the manifests list as conversations, and those of them that are absent."""
    names = set(members)
    by_base = {PurePosixPath(name).name: name for name in sorted(names, reverse=True)}
    listed: list[str] = []
    missing: list[Defect] = []
    for place, manifest in described[MANIFEST]:
        logical = mapping(mapping(mapping(manifest).get("logical_files")).get("conversations.json"))
        for path in strings(logical.get("files")):
            beside = str(PurePosixPath(place).parent / path)
            name = beside if beside in names else by_base.get(PurePosixPath(path).name)
            if name is not None:
                listed.append(name)
            else:
                missing.append(Defect(path, "", f"listed in {place} but not in the export"))
    return listed, missing


def assets_of(contents: Contents, described: Described) -> Assets:
    """The files that messages point to."""
    names: dict[str, str] = {}
    for _, value in described["conversation_asset_file_names.json"]:
        names.update((key, told) for key, told in mapping(value).items() if isinstance(told, str) and told.strip())
    library = [record for _, value in described["library_files.json"] for record in _records(value)]
    members = [] if contents.is_lone else sorted(name for name in contents.members if _may_be_asset(name))
    assets = Assets(members, names=names, library=library, first_bytes=lambda name: contents.start(name, 16))
    if not all(map(assets.is_asset, members)):
        for name in contents.members:
            if PurePosixPath(name).name == CHAT_HTML:
                assets.link(_assets_in_page(contents, name))
    return assets


def _may_be_asset(name: str) -> bool:
    path = PurePosixPath(name)
    if path.name in EXPECTED:
        return False
    return path.suffix.lower() not in (".json", ".html", ".index") or ASSET_NAME.match(path.name) is not None


def _assets_in_page(contents: Contents, page: str) -> dict[str, str]:
    """Pointers and their files as the export's own page knows them: the only place that names some of them."""
    try:
        data = without_bom(contents.load(page))
    except Unreadable:
        return {}
    folder = PurePosixPath(page).parent
    for found in reversed([match.end() for match in _ASSETS_IN_PAGE.finditer(data)]):
        value = value_at(data, found)
        try:
            told = decode(value) if value is not None else None
        except Undecodable:
            continue
        if isinstance(told, dict):
            paths = {key: first_text(mapping(path), "file_path", "path") or path for key, path in told.items()}
            beside = {key: str(folder / path) for key, path in paths.items() if isinstance(path, str)}
            return {key: name for key, name in beside.items() if name in contents.members}
    return {}


def said_of(described: Described) -> Said:
    """Ratings and shared links, by conversation."""
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


def _records(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list, or of the first list in an object around it."""
    if isinstance(value, dict):
        value = next((inner for inner in value.values() if isinstance(inner, list)), [])
    yield from dicts(value)

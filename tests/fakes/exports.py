"""Tiny exports, built piece by piece: what a test does not mention is as plain as it gets."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START = 1_700_000_000.0

Json = dict[str, Any]


def message(key: str, content: object = "hello", role: str = "user", at: float | None = START, **more: Any) -> Json:
    """A message; a string as content is a plain text."""
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    return {"id": key, "author": {"role": role, "name": None}, "create_time": at, "content": content, **more}


def node(key: str, parent: str | None = None, told: Json | None = None, children: list[str] | None = None) -> Json:
    """A node of the trimmed shape; of the full shape when `children` are given."""
    built: Json = {"id": key, "message": told, "parent": parent}
    return built if children is None else {**built, "children": children}


def chain(*told: Json) -> dict[str, Json]:
    """A mapping in which each message answers the one before."""
    keys = [one["id"] for one in told]
    return {one["id"]: node(one["id"], parent, one) for one, parent in zip(told, [None, *keys], strict=False)}


def conversation(mapping: Mapping[str, Json] | None = None, key: str = "c-1", **more: Any) -> Json:
    """A conversation; without a mapping, one question and its answer."""
    if mapping is None:
        mapping = chain(message("m-1", "What is a zip?"), message("m-2", "An archive.", "assistant", START + 1))
    plain = {"conversation_id": key, "id": key, "title": "A title", "create_time": START, "update_time": START + 9}
    return {**plain, "mapping": mapping, "current_node": next(reversed(list(mapping)), None), **more}


def one_message(content: object, role: str = "assistant", **more: Any) -> Json:
    """A conversation of a single message."""
    return conversation(chain(message("m-1", content, role, **more)))


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def write_json(path: Path, *conversations: Json) -> Path:
    path.write_bytes(as_json(list(conversations)))
    return path


def write_zip(path: Path, files: Mapping[str, object]) -> Path:
    """A zip of these files; a value that is not bytes is written as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in files.items():
            data = value if isinstance(value, bytes) else as_json(value)
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


def write_folder(path: Path, files: Mapping[str, object]) -> Path:
    for name, value in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(value if isinstance(value, bytes) else as_json(value))
    return path

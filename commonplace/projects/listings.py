"""Lists of projects that a person brings: the sidebar of ChatGPT as JSON, or a `projects.toml`; and writes.

The sidebar is what the web app itself asks for (`/backend-api/gizmos/snorlax/sidebar`). Two shapes are known, with
`gizmo` once or twice around a project; pages may be pasted one after the other. So a project is found wherever it
stands: an object with an id that begins with `g-p-` and a name.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from commonplace.errors import Refused
from commonplace.model import Project

PROJECT_PREFIX = "g-p-"
_KEYS = {"name", "description", "instructions", "colour", "color", "status", "refs", "id"}
_STATUSES = ("active", "archived")


def parse(text: str) -> tuple[Literal["sidebar", "person"], list[Project]]:
    """The projects of either kind of list, and whose word it is: TOML is written by a person."""
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped.startswith("{") or (stripped.startswith("[") and _is_json_list(stripped)):
        return "sidebar", parse_sidebar(stripped)
    return "person", parse_toml(stripped)


def _is_json_list(text: str) -> bool:
    return text[1:].lstrip().startswith(("{", "]"))


def parse_sidebar(text: str) -> list[Project]:
    """Every project of one or several pages of the sidebar, in their order, each once."""
    found: dict[str, Project] = {}
    for page in _documents(text):
        for item in _objects(page):
            project = _from_gizmo(item)
            if project is not None and project.id not in found:
                found[project.id] = project
    if not found:
        raise Refused(
            "There is no project in this JSON.",
            hint="Save the answer of /backend-api/gizmos/snorlax/sidebar as it is; docs/projects.md shows how.",
        )
    return list(found.values())


def _documents(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    place = 0
    while place < len(text):
        try:
            document, place = decoder.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError) as exc:
            where = f" (line {exc.lineno})" if isinstance(exc, json.JSONDecodeError) else ""
            raise Refused(f"This is not valid JSON{where}.", hint="Was all of it copied?") from None
        yield document
        while place < len(text) and text[place] in " \t\r\n,;":
            place += 1


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document, outer ones first, in order."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _from_gizmo(item: dict[str, Any]) -> Project | None:
    id = item.get("id")
    if not isinstance(id, str) or not id.startswith(PROJECT_PREFIX):
        return None
    shown = item.get("display")
    display: dict[str, Any] = shown if isinstance(shown, dict) else {}
    name = _line(display.get("name")) or _line(item.get("name")) or _line(item.get("title"))
    if name is None:
        return None
    return Project(
        id=id,
        name=name,
        name_source="sidebar",
        description=_text(display.get("description")) or _text(item.get("description")),
        instructions=_text(item.get("instructions")),
        colour=_line(display.get("theme")) or _line(display.get("color")),
        refs=[id],
    )


def _line(value: Any) -> str | None:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text or None


def _text(value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text or None


def parse_toml(text: str) -> list[Project]:
    """Projects by id: `"g-p-..." = "Name"`, or a table with name, description, colour, status and further refs."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise Refused(f"This is neither JSON nor valid TOML: {exc}.") from None
    inner = document.get("projects", document)
    if not isinstance(inner, dict) or not inner:
        raise Refused("There is no project in this TOML.", hint='Write "g-p-..." = "Name" under [projects].')
    return [_from_toml(key, value) for key, value in inner.items()]


def _from_toml(key: str, value: Any) -> Project:
    table = {"name": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise Refused(f"The project {key!r} is neither a name nor a table.")
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise Refused(
            f"The project {key!r} has an unknown key {unknown[0]!r}.", hint=f"Known: {', '.join(sorted(_KEYS))}."
        )
    name = _line(table.get("name"))
    if name is None:
        raise Refused(f"The project {key!r} has no name.")
    status = table.get("status", "active")
    if status not in _STATUSES:
        raise Refused(f"The project {key!r} has an unknown status.", hint=f"Known: {', '.join(_STATUSES)}.")
    refs = table.get("refs", [])
    if not isinstance(refs, list) or not all(isinstance(ref, str) and ref for ref in refs):
        raise Refused(f"The project {key!r} has refs that are not a list of texts.")
    return Project(
        id=key,
        name=name,
        name_source="person",
        description=_text(table.get("description")),
        instructions=_text(table.get("instructions")),
        status=status,
        colour=_line(table.get("colour", table.get("color"))),
        refs=list(refs),
    )


def to_toml(projects: Sequence[Project]) -> str:
    """A `projects.toml` that says the same when it is read again."""
    import tomlkit

    document = tomlkit.document()
    tables = tomlkit.table(is_super_table=True)
    for project in projects:
        table = tomlkit.table()
        table["name"] = project.name
        for key in ("description", "instructions", "colour"):
            if getattr(project, key):
                table[key] = getattr(project, key)
        if project.status != "active":
            table["status"] = project.status
        if project.refs:
            table["refs"] = project.refs
        tables[project.id] = table
    document["projects"] = tables
    return tomlkit.dumps(document)

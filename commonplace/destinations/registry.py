"""Which kinds of destinations there are, and how one is opened from its section of the settings.

Each kind loads when it is opened. What comes from the environment (tokens, addresses) is filled in here, so that no
secret has to stand in a settings file.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from commonplace.config import Environment
from commonplace.destinations.contract import Destination, Files
from commonplace.errors import Refused


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Where a kind's settings and opener are, and which settings the environment may give."""

    module: str
    settings: str
    opener: str
    environment: Mapping[str, str] = {}
    """Setting -> variable. The section of the settings file wins."""
    takes_files: bool = False


KINDS: dict[str, Kind] = {
    "markdown": Kind(
        module="commonplace.destinations.markdown",
        settings="MarkdownSettings",
        opener="open_markdown",
        takes_files=True,
    ),
    "notion": Kind(
        module="commonplace.destinations.notion",
        settings="NotionSettings",
        opener="open_notion",
        environment={"token": "NOTION_TOKEN", "base_url": "NOTION_BASE_URL", "database_id": "NOTION_DATABASE_ID"},
    ),
    "fake": Kind(module="commonplace.destinations.fake", settings="FakeSettings", opener="open_fake", takes_files=True),
}
_HIDDEN = {"fake"}


def kinds() -> list[str]:
    """The names that a person can use."""
    return [name for name in KINDS if name not in _HIDDEN]


def open_destination(
    kind: str,
    section: Mapping[str, Any],
    *,
    environment: Environment | None = None,
    files: Files | None = None,
    home: Path | None = None,
    timezone: str | None = None,
    processes: int = 1,
) -> Destination:
    """The destination that a section of the settings describes. Refused, with what to do, if it does not do."""
    entry = _entry(kind)
    module = import_module(entry.module)
    told = {"timezone": timezone, "processes": processes}
    settings = _settings(kind, entry, getattr(module, entry.settings), section, environment, home, told)
    opener = getattr(module, entry.opener)
    destination: Destination = opener(settings, files) if entry.takes_files else opener(settings)
    return destination


def place_of(kind: str, section: Mapping[str, Any], *, home: Path) -> str | None:
    """Where a person finds what is written there, if it is on this machine."""
    _entry(kind)
    return str(_folder(section, home)) if kind == "markdown" else None


def _entry(kind: str) -> Kind:
    if kind not in KINDS:
        raise Refused(f"There is no kind of destination {kind!r}.", hint=f"There are: {', '.join(kinds())}.")
    return KINDS[kind]


def _settings(
    kind: str,
    entry: Kind,
    settings: type[msgspec.Struct],
    section: Mapping[str, Any],
    environment: Environment | None,
    home: Path | None,
    told: Mapping[str, Any],
) -> msgspec.Struct:
    known = {field.encode_name: field for field in msgspec.structs.fields(settings)}
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise Refused(
                f"[destinations.{kind}] has an unknown setting {key!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else None,
            )
    values = dict(section)
    for key, variable in entry.environment.items():
        value = environment.get(variable) if environment else None
        if value and not values.get(key):
            values[key] = value
    for key, value in told.items():
        if value and key in known:
            values.setdefault(key, value)
    if kind == "markdown" and home is not None:
        values["folder"] = str(_folder(section, home))
    missing = [key for key, field in known.items() if field.required and not values.get(key)]
    if missing:
        told_by = entry.environment.get(missing[0])
        where = f"Set {told_by}, or `commonplace connect {kind}`." if told_by else None
        raise Refused(f"The destination {kind} needs a {missing[0]}.", hint=where)
    try:
        return msgspec.convert(values, settings)
    except msgspec.ValidationError as exc:
        raise Refused(f"[destinations.{kind}]: {exc}") from exc


def _folder(section: Mapping[str, Any], home: Path) -> Path:
    """A folder beside the archive, unless the section names one."""
    named = section.get("folder")
    return Path(named).expanduser().absolute() if isinstance(named, str) and named else home / "markdown"

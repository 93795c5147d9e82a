"""From the settings' `[destinations.NAME]` to an open destination and the rules of what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.files.files import AttachmentFiles
from commonplace.config import Environment, Settings
from commonplace.destinations import registry
from commonplace.destinations.contract import Destination
from commonplace.errors import Refused
from commonplace.stages.syncing.stage import Rules

_RULE_KEYS = {field.encode_name for field in msgspec.structs.fields(Rules)}


def names(settings: Settings) -> list[str]:
    """The destinations that are set up; a Markdown folder is there without being asked for."""
    return sorted(settings.destinations) or ["markdown"]


def sections(settings: Settings, name: str) -> tuple[str, dict[str, Any], Rules]:
    """A destination's kind, its own settings, and the rules of what it gets; each checked for unknown keys."""
    if name not in settings.destinations and name not in registry.kinds():
        raise Refused(
            f"There is no destination {name!r}.",
            hint=f"Add [destinations.{name}] to commonplace.toml, or use one of: {', '.join(names(settings))}.",
        )
    section = dict(settings.destinations.get(name, {}))
    kind = str(section.pop("kind", name))
    rules = {key: section.pop(key) for key in list(section) if key in _RULE_KEYS}
    try:
        return kind, section, msgspec.convert(rules, Rules)
    except msgspec.ValidationError as exc:
        raise Refused(f"[destinations.{name}]: {exc}") from exc


def place_of(settings: Settings, name: str) -> str | None:
    """Where a person finds what is written there, when that is known without asking anybody."""
    kind, section, _ = sections(settings, name)
    return registry.place_of(kind, section, home=settings.home)


def notion_settings(settings: Settings, environment: Environment, **known: str) -> Any:
    """The Notion destination's settings before it has a database to write to."""
    from commonplace.destinations.notion.settings import NotionSettings

    _, section, _ = sections(settings, "notion") if "notion" in settings.destinations else ("", {}, None)
    found = {"base_url": environment.get("NOTION_BASE_URL"), "database_id": environment.get("NOTION_DATABASE_ID")}
    values = {key: value for key, value in found.items() if value} | section | known
    return msgspec.convert(values, NotionSettings)


@contextmanager
def open_destination(
    settings: Settings, environment: Environment, archive: Archive, name: str
) -> Iterator[tuple[Destination, Rules]]:
    """The destination of that name, open, and what it gets. Refused with what to do when it is not set up."""
    kind, section, rules = sections(settings, name)
    destination = registry.open_destination(
        kind,
        section,
        environment=environment,
        files=AttachmentFiles(archive),
        home=settings.home,
        timezone=settings.timezone,
        processes=settings.runs.processes,
    )
    try:
        yield destination, rules
    finally:
        destination.close()

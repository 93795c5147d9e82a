"""From the settings' `[destinations.NAME]` to an open destination and the rules of what it gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.files.files import AttachmentFiles
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.memory import change, recall_as, remember
from commonplace.bounds import read_section
from commonplace.config import Environment, Settings
from commonplace.destinations import registry
from commonplace.destinations.contract import Destination
from commonplace.destinations.kind import Surroundings
from commonplace.errors import CommonplaceError, Refused
from commonplace.stages.syncing.pending import Rules

Said = dict[str, bool]
"""Destinations, and whether every run writes to them."""
_RULE_KEYS = {field.encode_name for field in msgspec.structs.fields(Rules)}


def names(settings: Settings, archive: Archive) -> list[str]:
    """The destinations that are written to without being named: those of the settings (without any, the default one),
    and those that a person set up since, less what that person put an end to. Of anybody but the server's owner only
    what they set up."""
    said, is_another = _said(archive), archive.owner != settings.owner
    chosen = {name for name, is_on in said.items() if is_on and is_known(settings, name)}
    if is_another:
        return sorted(chosen)
    default = [] if said.get(registry.DEFAULT) is False else [registry.DEFAULT]
    return sorted(chosen.union(settings.destinations or default))


def chosen(settings: Settings, archive: Archive) -> list[str]:
    """Those of them that a person set up, or named in the settings."""
    said = _said(archive)
    return [name for name in names(settings, archive) if name in settings.destinations or said.get(name)]


def is_known(settings: Settings, name: str) -> bool:
    """Whether the settings name it, or it is a kind, which needs no name of its own."""
    return name in settings.destinations or name in registry.kinds()


def follow(settings: Settings, archive: Archive, name: str, *, is_on: bool) -> None:
    """Whether every run writes to a destination. Of one that the settings name, they say it."""
    sections(settings, name)
    if name in settings.destinations:
        if not is_on:
            raise Refused(f"The settings name {name}.", hint=f"Take [destinations.{name}] out of commonplace.toml.")
        return
    change(archive, _followed(archive), Said, lambda said: said | {name: is_on})


def _said(archive: Archive) -> Said:
    return recall_as(archive, _followed(archive), Said) or {}


def _followed(archive: Archive) -> str:
    return f"destinations:{archive.owner}"


def sections(settings: Settings, name: str) -> tuple[str, dict[str, Any], Rules]:
    """A destination's kind, its own settings, and the rules of what it gets; each checked for unknown keys."""
    if not is_known(settings, name):
        known = ", ".join(dict.fromkeys([*settings.destinations, *registry.kinds()]))
        raise Refused(
            f"There is no destination {name!r}.",
            hint=f"Add [destinations.{name}] to commonplace.toml, or use one of: {known}.",
        )
    section = dict(settings.destinations.get(name, {}))
    kind = str(section.pop("kind", name))
    rules = {key: section.pop(key) for key in list(section) if key in _RULE_KEYS}
    checked = read_section(rules, Rules, section=f"destinations.{name}", file=settings.config_file)
    return kind, section, checked


def location_of(settings: Settings, environment: Environment, archive: Archive, name: str) -> str | None:
    """Where a person finds what is written there, as far as it is known without asking there."""
    kind, section, _ = sections(settings, name)
    known, around = kept(archive, name), surroundings(settings)
    try:
        found = registry.settings_of(kind, section, environment=environment, kept=known, around=around)
    except Refused:  # not set up yet; whoever writes there is told what is missing
        return None
    return registry.kind_named(kind).location(found)


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
        kept=kept(archive, name),
        around=surroundings(settings, AttachmentFiles(archive), delivery=rules.delivery),
    )
    try:
        yield destination, rules
    finally:
        destination.close()


def decide(
    settings: Settings,
    environment: Environment,
    archive: Archive,
    name: str,
    *,
    resend: Sequence[str] = (),
    accept: Sequence[str] = (),
) -> None:
    """Keep what a person decided of what may have arrived there, or was changed there; the next run does it. Refused
    where that has been decided since they looked: nothing is sent twice because two people saw that it was in doubt."""
    with open_destination(settings, environment, archive, name) as (destination, _rules):
        known = ArchiveLedger(archive, destination.instance)
        decided = {*known.resend_in_doubt(resend), *known.accept(accept)}
    if not decided.issuperset((*resend, *accept)):
        raise Refused("That is in doubt no more: a run, or somebody else, has settled it.", hint="Look at it again.")


def obstacles(settings: Settings, environment: Environment, archive: Archive, name: str) -> list[str]:
    """What stands in the way of writing there, each with what to do."""
    try:
        with open_destination(settings, environment, archive, name) as (destination, _rules):
            return list(destination.check(ArchiveLedger(archive, destination.instance)))
    except CommonplaceError as error:
        return [str(error)]


def surroundings(
    settings: Settings, files: AttachmentFiles | None = None, *, delivery: str = "at-most-once"
) -> Surroundings:
    """What the settings say to every destination."""
    return Surroundings(
        home=settings.home,
        timezone=settings.timezone,
        processes=settings.runs.processes,
        files=files,
        repeats_doubtful=delivery == "at-least-once",
        config_file=settings.config_file,
    )


def kept(archive: Archive, name: str) -> dict[str, Any]:
    """What `connect` found out about a destination, secrets aside."""
    return recall_as(archive, _key(archive, name), dict[str, Any]) or {}


def keep(archive: Archive, name: str, found: dict[str, Any]) -> None:
    """Keep with the archive what the next runs need to know of a destination. Never a secret."""
    remember(archive, _key(archive, name), msgspec.json.encode(found).decode())


def _key(archive: Archive, name: str) -> str:
    return f"connected:{archive.owner}:{name}"

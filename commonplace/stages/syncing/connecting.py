"""Connecting a destination: its credentials are checked, the other side is prepared, and what was found is kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.config import Environment, Settings
from commonplace.destinations import registry
from commonplace.destinations.kind import Kind, Person
from commonplace.stages.syncing.destinations import keep, kept, sections, surroundings


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A destination that is ready."""

    kind: str
    told: dict[str, str]
    """What was found or made, for the person or program."""
    fields: dict[str, Any]
    """The fields of its Prefect block, secrets among them."""
    typed: dict[str, str]
    """Secrets that were typed or made now, by the variable that they would be in."""

    def __repr__(self) -> str:
        return f"Connected({self.kind!r}, {self.told!r})"


def connect(
    settings: Settings,
    environment: Environment,
    archive: Archive,
    name: str,
    person: Person,
    chosen: Mapping[str, Any] = {},
    *,
    is_anew: bool = False,
) -> Connected:
    """Check a destination's credentials, prepare the other side, and keep with the archive what is no secret.

    `chosen` are settings that the person gives now: they come before those of the file. What was kept before does not
    count where it is connected `anew`. Of two people who do it at once, the second is told, or there would be two of
    what is made there.
    """
    with leases.hold(archive, leases.connecting(archive.owner, name)) as lease:
        return _connect(settings, environment, lease.archive, name, person, chosen, is_anew=is_anew)


def _connect(
    settings: Settings,
    environment: Environment,
    archive: Archive,
    name: str,
    person: Person,
    chosen: Mapping[str, Any],
    *,
    is_anew: bool,
) -> Connected:
    kind_name, section, _ = sections(settings, name)
    section |= chosen
    kind = registry.kind_named(kind_name)
    typed = _asked_for(kind, section, environment, person)
    known = registry.settings_of(
        kind_name,
        section | typed,
        environment=environment,
        kept={} if is_anew else kept(archive, name),
        around=surroundings(settings),
    )
    connection = kind.connect(known, person, partial(ArchiveLedger, archive))
    secrets = {given.setting for given in kind.given if given.is_secret}
    keep(archive, name, {key: value for key, value in connection.settings.items() if key not in secrets})
    values = msgspec.structs.asdict(known) | connection.settings
    fields = {given.setting: values[given.setting] for given in kind.given if values[given.setting] is not None}
    variables = {given.setting: given.variables[0] for given in kind.given if given.is_secret}
    made = {key: str(value) for key, value in connection.settings.items() if key in secrets}
    return Connected(
        kind=kind_name,
        told=connection.told,
        fields=fields,
        typed={variables[setting]: secret for setting, secret in (typed | made).items()},
    )


def _asked_for(kind: Kind, section: dict[str, Any], environment: Environment, person: Person) -> dict[str, str]:
    """The secrets that neither the settings nor the environment have, as the person types them."""
    return {
        given.setting: answer
        for given in kind.given
        if given.is_secret
        and not given.is_made
        and not section.get(given.setting)
        and not environment.get(*given.variables)
        if (answer := person.answer(given.about.rstrip("."), is_secret=True))
    }

"""What the archive adds to deployments: the destinations and sets of categories that a form offers, and hooks.

Everybody's are offered: whoever has an account asks for runs of the same deployments.

A flow's own signature names no destination: which there are is in the settings. So what a deployment says of its
parameters is narrowed when it is applied; `commonplace up` applies again, and so does a run that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import msgspec

from commonplace.archive.access import users
from commonplace.archive.opening import open_archive
from commonplace.categorize.definitions import shipped_names
from commonplace.config import Settings
from commonplace.destinations import registry
from commonplace.errors import CommonplaceError
from commonplace.stages import hooks
from commonplace.stages.categorizing.taxonomies import list_taxonomies
from commonplace.stages.syncing.destinations import names


def with_added(settings: Settings) -> tuple[Settings, dict[str, list[str]]]:
    """The settings with the hooks that were added on the page or by a command; by parameter, the values there are."""
    try:
        with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
            owners = dict.fromkeys([settings.owner, *(user.owner for user in users.list_users(archive))])
            everybodys = [archive.of(owner) for owner in owners]
            taxonomies = _together([found.name for found in list_taxonomies(each)] for each in everybodys)
            destinations = _together(names(settings, each) for each in everybodys)
            settings = msgspec.structs.replace(settings, hooks=hooks.added(archive) | settings.hooks)
    except CommonplaceError:  # the archive may be out of reach of who applies
        taxonomies, destinations = shipped_names(), sorted(settings.destinations)
    destinations = destinations or [registry.DEFAULT]
    return settings, {"destination": destinations, "destinations": destinations, "taxonomy": taxonomies}


def _together(lists: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(lists)))


def narrow(properties: dict[str, Any], offered: dict[str, list[str]]) -> None:
    """The parameters of these names take these values alone."""
    for name, values in offered.items():
        for schema in _texts_in(properties.get(name, {})):
            schema["enum"] = values


def _texts_in(schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The parts of a parameter's schema that are text: itself, one of its alternatives, the items of a list."""
    if schema.get("type") == "string":
        yield schema
    for part in [*schema.get("anyOf", []), schema.get("items", {})]:
        if part:
            yield from _texts_in(part)

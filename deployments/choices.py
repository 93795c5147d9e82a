"""What the archive adds to deployments: the destinations and sets of categories that a form offers, and hooks.

A flow's own signature names no destination: which there are is in the settings. So what a deployment says of its
parameters is narrowed when it is applied; `commonplace up` applies again, and so does a run that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

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
            taxonomies = [found.name for found in list_taxonomies(archive)]
            destinations = names(settings, archive)
            settings = msgspec.structs.replace(settings, hooks=hooks.added(archive) | settings.hooks)
    except CommonplaceError:  # the archive may be out of reach of who applies
        taxonomies, destinations = shipped_names(), sorted(settings.destinations)
    destinations = destinations or [registry.DEFAULT]
    return settings, {"destination": destinations, "destinations": destinations, "taxonomy": taxonomies}


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

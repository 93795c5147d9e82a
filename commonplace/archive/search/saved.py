"""Questions that a person keeps under a name: addresses of the page of conversations."""

from __future__ import annotations

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.errors import Refused

MOST = 100
LONGEST_NAME = 100


def saved(archive: Archive) -> dict[str, str]:
    """The queries by their names."""
    known = recall(archive, _name(archive))
    return msgspec.json.decode(known, type=dict[str, str]) if known else {}


def save(archive: Archive, name: str, query: str) -> None:
    """Keep one, in place of the one of that name."""
    name, known = " ".join(name.split()), saved(archive)
    if not name or len(name) > LONGEST_NAME:
        raise Refused(f"A saved search has a name of 1 to {LONGEST_NAME} characters.")
    if len(known) >= MOST and name not in known:
        raise Refused(f"There are {MOST} saved searches already.", hint="Remove one first.")
    _keep(archive, {**known, name: query})


def drop(archive: Archive, name: str) -> None:
    """Keep it no longer."""
    _keep(archive, {known: query for known, query in saved(archive).items() if known != name})


def _keep(archive: Archive, searches: dict[str, str]) -> None:
    remember(archive, _name(archive), msgspec.json.encode(searches).decode())


def _name(archive: Archive) -> str:
    return f"searches:{archive.owner}"

"""Questions that a person keeps under a name: addresses of the page of conversations."""

from __future__ import annotations

from commonplace.archive.core import Archive
from commonplace.archive.memory import change, recall_as
from commonplace.errors import Refused

MOST = 100
LONGEST_NAME = 100
Searches = dict[str, str]


def saved(archive: Archive) -> Searches:
    """The queries by their names."""
    return recall_as(archive, _name(archive), Searches) or {}


def save(archive: Archive, name: str, query: str) -> None:
    """Keep one, in place of the one of that name."""
    name = plain_name(name)
    if not name or len(name) > LONGEST_NAME:
        raise Refused(f"A saved search has a name of 1 to {LONGEST_NAME} characters.")

    def more(known: Searches) -> Searches:
        if len(known) >= MOST and name not in known:
            raise Refused(f"There are {MOST} saved searches already.", hint="Remove one first.")
        return known | {name: query}

    change(archive, _name(archive), Searches, more)


def drop(archive: Archive, name: str) -> None:
    """Keep it no longer."""
    gone = plain_name(name)

    def less(known: Searches) -> Searches:
        if gone not in known:
            raise Refused(f"There is no saved search {gone!r}.")
        return {name: query for name, query in known.items() if name != gone}

    change(archive, _name(archive), Searches, less)


def plain_name(name: str) -> str:
    """However it was typed."""
    return " ".join(name.split())


def _name(archive: Archive) -> str:
    return f"searches:{archive.owner}"

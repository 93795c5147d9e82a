"""What a kind of destination says of itself: its settings, where they come from, and how it is opened and connected.

Each folder under `destinations/` declares one `KIND`. The registry, the commands, the stage and the Prefect blocks read
that declaration and know nothing else of a destination, so adding one touches its folder and a line of the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from commonplace.destinations.contract import Destination, Files, Ledger


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that the environment or the kind's Prefect block may give, and that `connect` asks for or finds."""

    setting: str
    variables: tuple[str, ...]
    """Its names in the environment, ours first."""
    about: str
    """A sentence for the block's form; what `connect` asks for."""
    is_secret: bool = False
    is_made: bool = False
    """`connect` gets it from the service, and asks nobody."""
    is_asked: bool = False
    """A form asks for it too, because it says where things go."""
    suggestion: str = ""
    """What such a form offers, where nothing else does."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the settings tells a destination."""

    home: Path | None = None
    timezone: str | None = None
    processes: int = 1
    """How many processes share what an outside service allows."""
    files: Files | None = None
    repeats_doubtful: bool = False
    """Whether what may have arrived may be sent again (`delivery = "at-least-once"`)."""
    config_file: Path | None = None
    """Where the section was read."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Something there that can be chosen instead of typing its id."""

    id: str
    title: str
    about: str
    """What it is: a page, a database."""


class Person(Protocol):
    """Whoever runs `connect`: somebody at a terminal or before a page, or nobody."""

    def answer(self, question: str, *, is_secret: bool = False, choices: Callable[[], list[Choice]] = list) -> str:
        """What they type or choose; nothing where nobody can be asked. The choices are looked up for who can see."""

    def agrees(self, question: str) -> bool:
        """Whether to go ahead; yes where nobody can be asked."""


LedgerOf = Callable[[str], Ledger]
"""What the archive knows of an instance of a destination."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What `connect` found or made."""

    told: dict[str, str]
    """For the person or program: what it is, where it is, what was added."""
    settings: dict[str, Any] = {}
    """What the next runs should know, such as the id of a database."""


def connect_nothing(_settings: Any, _person: Person, _ledger_of: LedgerOf) -> Connection:
    """There is no other side to prepare."""
    return Connection(told={})


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of destination."""

    title: str
    """What people call it."""
    about: str
    """A sentence on what it is."""
    block: str
    """The name of its Prefect block's class."""
    settings: type[Any]
    """A msgspec struct with a word on each setting."""
    open: Callable[[Any, Surroundings], Destination]
    """From settings to a destination."""
    given: tuple[Given, ...] = ()
    defaults: Callable[[Surroundings], Mapping[str, Any]] = lambda _: {}
    """Settings that follow from the others where nobody says otherwise."""
    location: Callable[[Any], str | None] = lambda _: None
    """Where a person finds what is written there, as far as the settings alone tell."""
    connect: Callable[[Any, Person, LedgerOf], Connection] = connect_nothing
    """Check the credentials and prepare the other side; nothing is written before the person agreed."""
    client: Callable[[Any], Any] | None = None
    """A client of the service for flows of a person's own: what `get_client` of the block gives."""

"""Errors, told apart by what the caller should do about them.

    CommonplaceError
    ├── Retryable     the same request may work later (the client has already tried a few times)
    ├── Permanent     this item will not work, however often it is tried; the others may
    ├── Halt          nothing will work until a person does something: the run stops cleanly
    └── Refused       the input or the command is not acceptable as it stands
        └── NotThere  what it names does not exist, or is somebody else's

A bad record is not an error but a `Defect`: a value that is counted, reported and never ends an import.

Messages say what happened to which item and what to do next. They never hold secrets or conversation text.
The message comes first and everything else is optional, so that every error survives pickling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec


class CommonplaceError(Exception):
    """The root of all errors that this project raises on purpose."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class Retryable(CommonplaceError):
    """Try the same thing again, not before `retry_after` seconds have passed."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Permanent(CommonplaceError):
    """This item is done with until its inputs change."""


class Halt(CommonplaceError):
    """Stop the run: a key, a quota or a schema has to be put right first."""


class Refused(CommonplaceError):
    """What was asked for or handed in is not acceptable: a hostile archive, an unknown setting."""


class NotThere(Refused):
    """What was named is not there, or not for whoever asks: which of both is not told."""


class Defect(msgspec.Struct, frozen=True):
    """A record that could not be used: which file, which item in it, and why."""

    file: str
    item: str
    reason: str


class LeftOut(msgspec.Struct, frozen=True):
    """Something that was not taken in, and why; without a name, `count` of them."""

    name: str
    reason: str
    count: int = 1


MOST_LEFT_OUT = 1000


def first_of(left_out: Iterable[LeftOut]) -> list[LeftOut]:
    """The first thousand by name, the others as one of each reason."""
    named: list[LeftOut] = []
    others: Counter[str] = Counter()
    for one in left_out:
        if one.name and len(named) < MOST_LEFT_OUT:
            named.append(one)
        else:
            others[one.reason] += one.count
    return named + [LeftOut("", reason, count) for reason, count in others.items()]

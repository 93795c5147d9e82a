"""A message that was found, as one number: whose it is, which it is, who said it, and whether it is hidden.

Ten thousands of them are looked at for one question, most of them only to be counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

ROLES = ("user", "assistant", "tool", "system")
CONVERSATION_SHIFT = 32
MESSAGE_SHIFT = 3
LAST = (1 << 63) - 1
_ALL_TITLES = 1_000_000

_MESSAGES = (1 << CONVERSATION_SHIFT) - 1


def conversation_of(hit: int) -> int:
    """The conversation's key."""
    return hit >> CONVERSATION_SHIFT


def message_of(hit: int) -> int:
    """The message's key."""
    return (hit & _MESSAGES) >> MESSAGE_SHIFT


def role_of(hit: int) -> str:
    return ROLES[hit >> 1 & 3]


def first_of(conversation_key: int) -> int:
    """No hit in the conversation is smaller."""
    return conversation_key << CONVERSATION_SHIFT


def is_hidden(hit: int) -> bool:
    return hit & 1 == 1


def hit_of(conversation_key: int, message_key: int, role: str, hidden: bool) -> int:
    place = ROLES.index(role) if role in ROLES else 0
    return conversation_key << CONVERSATION_SHIFT | message_key << MESSAGE_SHIFT | place << 1 | hidden


class _Finder(Protocol):
    """Who knows where something is (finding.py)."""

    def hits(self) -> list[int] | None: ...
    def hits_in(self, conversation_keys: Collection[int]) -> list[int]: ...
    def titles(self, most: int) -> set[int]: ...


class Unwanted:
    """What is excluded: no conversation is found that has it, in whichever message or in its title.

    Those that have it are looked up once; where there are too many, what else was found is looked into.
    """

    def __init__(self, finders: Sequence[_Finder]) -> None:
        self._keys: set[int] = set()
        self._common: list[_Finder] = []
        for finder in finders:
            hits = finder.hits()
            if hits is None:
                self._common.append(finder)
            self._keys |= {*map(conversation_of, hits or ()), *finder.titles(_ALL_TITLES)}

    @property
    def are_known(self) -> bool:
        return not self._common

    def left(self, keys: Collection[int]) -> set[int]:
        """Those of some that have nothing of it."""
        left = set(keys) - self._keys
        for finder in self._common if left else ():
            left -= set(map(conversation_of, finder.hits_in(left)))
        return left

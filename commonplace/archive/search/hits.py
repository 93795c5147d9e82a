"""A message that was found, as one number: whose it is, which it is, who said it, and whether it is hidden.

Ten thousands of them are looked at for one question, most of them only to be counted.
"""

from __future__ import annotations

ROLES = ("user", "assistant", "tool", "system")
CONVERSATION_SHIFT = 32
MESSAGE_SHIFT = 3
LAST = (1 << 63) - 1

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

"""What a program may do for a person: scopes, in the words that a person reads before saying yes."""

from __future__ import annotations

from collections.abc import Iterable

from commonplace.errors import Refused

MEMORIES, EVERYTHING, ASK, NOTES = "read:memories", "read:archive", "ask", "write:notes"

MEANINGS = {
    MEMORIES: "List your conversations and read them",
    EVERYTHING: "Read everything: conversations, search, projects and numbers",
    ASK: "Ask questions, which may cost what a model's answers cost",
    NOTES: "Add notes to your archive",
}
SCOPES = tuple(MEANINGS)
READING = (MEMORIES, EVERYTHING, ASK)
"""What a program gets that asks for nothing in particular: it writes nothing."""


def joined(scopes: Iterable[str]) -> str:
    """Each once, in the order of `SCOPES`, as they are stored and sent. Refused if there is no such scope."""
    asked = set(scopes)
    if unknown := sorted(asked - set(SCOPES)):
        raise Refused(f"There is no scope {unknown[0]!r}.", hint=f"Use: {', '.join(SCOPES)}.")
    return " ".join(scope for scope in SCOPES if scope in asked)

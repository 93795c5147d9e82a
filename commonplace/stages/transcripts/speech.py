"""What was said in a conversation, and nothing beside it: one branch, two sides, plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import dropwhile, groupby, takewhile
from operator import attrgetter
from typing import NamedTuple

from commonplace.model import Message, Role

SPEAKERS: frozenset[Role] = frozenset({"system", "user", "assistant"})
_ASIDE = re.compile(
    r"^(?P<code>(?P<bar>`{3,}|~{3,})[^\n]*\n.*?^(?P=bar)[`~]*[ ]*$)"
    r"|^<details><summary>[^\n]*?</summary>(?:[ ]*</details>|\n.*?^</details>)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
"""What our readers folded away; code that looks like it is somebody's words."""
_ATTACHED = re.compile(r"!?\[(?P<name>(?:[^\[\]\\\n]|\\.)*)\]\(attachment:[^()\s]*\)")
_GAP = re.compile(r"\n{3,}")


class Said(NamedTuple):
    role: Role
    text: str


def is_shown(message: Message) -> bool:
    return message.is_active and not message.is_hidden and bool(message.text.strip() or message.attachments)


def speech(messages: list[Message]) -> list[Said]:
    """The turns of the active branch, as programs for training want them: the system's word first, then a question,
    and in turn an answer, which is the last. What one side says in a row is one turn.

    Tools and thoughts are no speech, nor is what was said before the first question; of the system, only what stands
    before all others. Empty where nobody asked or nobody answered: there is nothing to learn from it.
    """
    said = list(_said(messages))
    instructions = list(takewhile(lambda one: one.role == "system", said))
    spoken = dropwhile(lambda one: one.role != "user", (one for one in said if one.role != "system"))
    turns = [_turn(role, its) for role, its in groupby(spoken, attrgetter("role"))]
    if turns and turns[-1].role == "user":
        turns.pop()
    return [*([_turn("system", instructions)] if instructions else []), *turns] if turns else []


def _turn(role: Role, said: Iterable[Said]) -> Said:
    return Said(role, "\n\n".join(one.text for one in said))


def _said(messages: list[Message]) -> Iterator[Said]:
    for message in messages:
        if is_shown(message) and message.role in SPEAKERS and (text := plain(message.text)):
            yield Said(message.role, text)


def plain(text: str) -> str:
    """A message's own words: without what was folded, and files by their names."""
    own = _ASIDE.sub(lambda found: found["code"] or "", text)
    return _GAP.sub("\n\n", _ATTACHED.sub(lambda found: found["name"], own)).strip()

"""What was said in a conversation, and nothing beside it: one branch, two sides, plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
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
    """The turns of the active branch: what one side says in a row is one, and the last word is the assistant's.

    Tools and thoughts are no speech. Empty where nobody asked or nobody answered: there is nothing to learn from it.
    """
    turns = [
        Said(role, "\n\n".join(text for _, text in said)) for role, said in groupby(_said(messages), lambda it: it.role)
    ]
    while turns and turns[-1].role != "assistant":
        turns.pop()
    return turns if any(turn.role == "user" for turn in turns) else []


def _said(messages: list[Message]) -> Iterator[Said]:
    for message in messages:
        if is_shown(message) and message.role in SPEAKERS and (text := plain(message.text)):
            yield Said(message.role, text)


def plain(text: str) -> str:
    """A message's own words: without what was folded, and files by their names."""
    own = _ASIDE.sub(lambda found: found["code"] or "", text)
    return _GAP.sub("\n\n", _ATTACHED.sub(lambda found: found["name"], own)).strip()

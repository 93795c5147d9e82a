"""What the local judge reads of a conversation: four short fields, however long it is.

Title, first question, later questions and answers are weighed apart: the first question says most, an answer may be
ten times as long as everything the person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from commonplace.categorize.contract import Subject

TITLE, FIRST, LATER, ANSWERS = 200, 900, 900, 700
"""Characters of each field."""
SAYING = 12
"""Characters of what says something: who speaks says `Yeah, okay` between all else."""
_SAMPLED = 6
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE_KEPT = 160
_LONG_RUN = re.compile(r"\S{80,}")
_EMPTY_TITLES = {"new chat", "untitled", "neuer chat", "nouveau chat", "nuevo chat", "新对话", "新しいチャット"}


class Fields(msgspec.Struct, frozen=True):
    """The text of each field; any may be empty."""

    title: str
    first: str
    later: str
    answers: str


def fields_of(subject: Subject) -> Fields:
    """The fields of a conversation, each shortened in its middle to what is worth reading."""
    asked = saying([turn.text for turn in subject.turns if turn.role == "user" and turn.text.strip()], _SAMPLED)
    answered = saying([turn.text for turn in subject.turns if turn.role == "assistant" and turn.text.strip()], _SAMPLED)
    return Fields(
        title=shorten(own_title(subject) or "", TITLE),
        first=shorten(_plain(asked[0]), FIRST) if asked else "",
        later=_sampled(asked[1:], LATER),
        answers=_sampled(answered, ANSWERS),
    )


def own_title(subject: Subject) -> str | None:
    """The title, unless it says nothing."""
    title = " ".join((subject.title or "").split())
    return title if title and title.casefold() not in _EMPTY_TITLES else None


def shorten(text: str, limit: int) -> str:
    """Two thirds of what may stay from the beginning, one third from the end."""
    if len(text) <= limit:
        return text
    return f"{text[: limit * 2 // 3]} {text[len(text) - limit // 3 :]}"


def saying(texts: list[str], most: int) -> list[str]:
    """Without what says nothing, where there are more than can be read."""
    return texts if len(texts) <= most else [text for text in texts if len(text) >= SAYING] or texts


def _sampled(texts: Sequence[str], limit: int) -> str:
    """The first one, the last, and as many between as fill half of the room, six at least, each with its share."""
    if len(texts) > _SAMPLED:
        in_half = len(texts) * limit // (2 * sum(map(len, texts)))
        read = min(len(texts), max(_SAMPLED, in_half))
        texts = [texts[round(place * (len(texts) - 1) / (read - 1))] for place in range(read)]
    room = limit
    parts: list[str] = []
    for left, text in zip(range(len(texts), 0, -1), texts, strict=True):
        part = shorten(_plain(text), room // left)
        parts.append(part)
        room -= len(part)
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Without what fills room and says little: the bulk of pasted code, and endless strings."""
    if len(text) > 4 * (FIRST + LATER):
        text = shorten(text, 4 * (FIRST + LATER))
    if "```" in text:
        text = _CODE.sub(lambda match: match[0][:_CODE_KEPT] + "```", text)
    return _LONG_RUN.sub(lambda match: match[0][:40], text)

"""Conversations of Copilot's history, which has no ids: its title names one, its words and moment a message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.copilot.rows import COLUMNS, split_rows
from commonplace.sources.fields import moment, text
from commonplace.sources.listed import Kind, Listed
from commonplace.sources.turns import Around, Turn, arrange, first_moment, in_turn, last_moment, role_of, title_of
from commonplace.sources.unfamiliar import count

_ROW = frozenset(COLUMNS)


def _conversation(rows: Any, around: Around) -> Conversation:
    told = _oldest_first(rows)
    title = text(told[0]["Conversation"])
    external_id = _digest(title or "")
    if not any(text(row["Message"]) for row in told):
        raise NotAConversation("nothing is said in it")
    taken: Counter[str] = Counter()
    read = [_message(row, external_id, taken, around) for row in told]
    in_turn(read)
    messages, current = arrange(read)
    return Conversation(
        source="copilot",
        external_id=external_id,
        title=title or title_of(messages),
        created_at=first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        extra={"grouped_by": "title"},
    )


def _oldest_first(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The file begins with the newest. Of one moment, what was asked comes before what was answered."""
    times = [moment(row["Time"]) for row in rows]
    known = [time for time in times if time is not None]
    numbered = list(zip(times, rows, strict=True))
    if known and known[0] >= known[-1]:
        numbered.reverse()
    before = 0
    keyed: list[tuple[tuple[int, bool], dict[str, str]]] = []
    for time, row in numbered:
        before = before if time is None else time
        keyed.append(((before, role_of(row["Author"]) == "assistant"), row))
    keyed.sort(key=lambda pair: pair[0])
    return [row for _, row in keyed]


def _message(row: Mapping[str, str], conversation: str, taken: Counter[str], around: Around) -> Message:
    turn = Turn(around)
    turn.say(row["Message"])
    created_at = moment(row["Time"])
    if created_at is None and text(row["Time"]):
        count(around.unfamiliar, "message.Time")
        turn.keeps_raw = True
    turn.more(dict(row), "message", _ROW)
    known_as = _digest(conversation, row["Time"], row["Author"], row["Message"])
    taken[known_as] += 1
    id = known_as if taken[known_as] == 1 else f"{known_as}-{taken[known_as]}"
    return turn.message(dict(row), id, role_of(row["Author"]), created_at=created_at)


def _digest(*told: str) -> str:
    return blake2b("\x1f".join(told).encode("utf-8", "replace"), digest_size=16).hexdigest()


SOURCE = Listed(
    name="copilot",
    title="Copilot",
    reader_version="copilot/2",
    kind=Kind(read=_conversation, identity=re.compile(rb"(?!)"), split=split_rows),
)

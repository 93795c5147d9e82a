"""What a message of any assistant is while it is read: what is said, what is folded beside it, what nobody foresaw."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import msgspec

from commonplace.model import Attachment, Message, Role
from commonplace.sources.decoding import encode, storable
from commonplace.sources.fields import first_text, text
from commonplace.sources.markdown import aside, fence, paragraphs
from commonplace.sources.tree import grow
from commonplace.sources.unfamiliar import count, is_readable, leftovers, name_of

ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "you": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
_FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
_TITLE_LENGTH = 80
_TOOL_OUTPUT = 20_000
"""Characters of a tool's output that are shown and found; all of it stays in the message as it came."""


def role_of(told: object) -> Role:
    """The nearest of our roles; whatever is not a person or a tool is the assistant."""
    return ROLES.get(told.strip().lower(), "assistant") if isinstance(told, str) else "assistant"


class Around(msgspec.Struct):
    """What is gathered while an export is read."""

    unfamiliar: Counter[str] = msgspec.field(default_factory=Counter)
    files: dict[str, str] = msgspec.field(default_factory=dict)
    """The members of the export by their last names."""
    lacking: dict[str, None] = msgspec.field(default_factory=dict)
    """Files that a message names and the export does not have."""
    shown: set[str] = msgspec.field(default_factory=set)
    """Members that a message shows."""


class Turn:
    """Gathers what one record says, and makes the message of it."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self.pieces: list[str] = []
        self.words: list[str] = []
        self.taken: set[str] = set()
        self.attachments: list[Attachment] = []
        self.keeps_raw = False

    def say(self, told: object) -> None:
        """What a reader sees, as it was written."""
        if said := text(told):
            self.pieces.append(said)
            self.words.append(said)

    def fold(self, summary: str, told: object = None) -> None:
        """Work beside the conversation."""
        body = text(told)
        if body is not None:
            self.taken.add(body)
        self.pieces.append(aside(summary, body or ""))

    def thoughts(self, told: object) -> None:
        if text(told):
            self.fold("Thoughts", told)

    def call(self, name: object, given: object) -> None:
        """A tool is asked something."""
        title = f"Tool call: {text(name) or 'tool'}"
        if isinstance(given, str):
            self._fold_code(title, given)
        else:
            self._fold_code(title, encode(given).decode() if given else "", "json")

    def output(self, name: object, told: str) -> None:
        """What a tool answers. Of a very long answer the beginning is shown, and all of it kept."""
        shown = told[:_TOOL_OUTPUT]
        if len(shown) < len(told):
            self.keeps_raw = True
            shown = f"{shown}\n… ({len(told) - len(shown):,} more characters)"
        self._fold_code(f"Tool: {text(name) or 'output'}", shown)

    def _fold_code(self, summary: str, code: str, language: str = "") -> None:
        self.taken.add(code)
        self.pieces.append(aside(summary, fence(code, language) if code.strip() else ""))

    def attach(self, id: str, *, name: str | None = None, told: str | None = None, **facts: Any) -> None:
        """A file that the message names: its bytes where the export has them, or the text that is told of it."""
        member = next((self._around.files[key] for key in (id, name) if key and key in self._around.files), None)
        if member is not None:
            self._around.shown.add(member)
        elif told is None:
            self._around.lacking[name or id] = None
        self.attachments.append(Attachment(id=id, name=name, text=told, member=member, **facts))

    def more(self, record: dict[str, Any], kind: str, familiar: Set[str]) -> None:
        """Whatever else of a record says something: counted, kept, and read as words where it is any."""
        if record.keys() <= familiar:
            return
        beside = {key: value for key, value in record.items() if key not in familiar}
        for name, told in leftovers(beside, kind, {*self.words, *self.taken}):
            self._strange(name)
            if is_readable(told):
                self.say(told)

    def strange(self, part: Any, kind: object) -> None:
        """A part of a kind that nobody knows: its words are taken up."""
        named = name_of(kind) if isinstance(kind, str) else "?"
        found = list(leftovers({"told": part}, named, {*self.words, *self.taken}))
        self._strange(named)
        for _, told in found:
            if is_readable(told):
                self.say(told)

    def _strange(self, name: str) -> None:
        count(self._around.unfamiliar, name)
        self.keeps_raw = True

    def message(self, record: Any, id: str, role: Role, *, is_hidden: bool = False, **facts: Any) -> Message:
        written = paragraphs(*self.pieces)
        is_hidden = is_hidden or not (written or self.attachments)
        is_seen = not is_hidden and role in ("user", "assistant")
        extra = {key: storable(value) for key, value in facts.pop("extra", {}).items() if value}
        return Message(
            id=id,
            role=role,
            text=written,
            digest=digest(role, self.words, self.attachments) if is_seen else b"",
            is_hidden=is_hidden,
            attachments=self.attachments,
            raw=encode(record) if self.keeps_raw else None,
            extra=extra,
            **facts,
        )


def digest(role: str, words: Sequence[str], attachments: Sequence[Attachment]) -> bytes:
    """Role and raw words; an image or a recording without any words still is something a reader would see."""
    if len(words) == 1:
        return blake2b(f"{role}\x1f{words[0]}".encode("utf-8", "replace"), digest_size=16).digest()
    told = [word for word in words if word.strip()] or [f"\0{attachment.kind}" for attachment in attachments]
    if not told:
        return b""
    return blake2b("\x1f".join((role, *told)).encode("utf-8", "replace"), digest_size=16).digest()


def in_turn(messages: Sequence[Message]) -> None:
    """Each answers the one before."""
    for before, message in pairwise(messages):
        message.parent_id = before.id


def arrange(messages: Sequence[Message], current: str | None = None) -> tuple[list[Message], str | None]:
    """In reading order, each in its place of the tree, and which one is current; none if nobody says anything."""
    if not any(message.text or message.attachments or message.raw for message in messages):
        return [], None
    by_id = {message.id: message for message in messages}
    if len(by_id) == len(messages) and _is_chain(messages) and by_id.get(current or "", messages[-1]) is messages[-1]:
        for position, message in enumerate(messages):
            message.position, message.is_active = position, True
        return list(messages), messages[-1].id
    nodes = {
        id: {
            "parent": message.parent_id,
            "message": {"create_time": message.created_at, "author": {"role": message.role}},
        }
        for id, message in by_id.items()
    }
    tree = grow(nodes, current)
    for position, id in enumerate(tree.order):
        message = by_id[id]
        message.parent_id, message.position, message.is_active = tree.parents[id], position, id in tree.active
    return [by_id[id] for id in tree.order], tree.current


def _is_chain(messages: Sequence[Message]) -> bool:
    """Each answers the one before it, which needs no tree: what most conversations look like."""
    return messages[0].parent_id is None and all(
        message.parent_id == before.id for before, message in pairwise(messages)
    )


def title_of(messages: Sequence[Message]) -> str | None:
    """The beginning of what a person said first, for conversations that have no title."""
    spoken = (_FOLDED.sub("", told.text).strip() for told in messages if told.role == "user" and not told.is_hidden)
    line = next((said for said in spoken if said), "").partition("\n")[0].strip()
    return (line if len(line) <= _TITLE_LENGTH else f"{line[: _TITLE_LENGTH - 1].rstrip()}…") or None


def words_in(value: object) -> str:
    """All the words below a value, line by line."""
    return value if isinstance(value, str) else "\n".join(told for _, told in leftovers({"told": value}, "told", set()))


def cited(pages: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Pages that a message refers to, each once, by whichever names an export has for what it tells of them."""
    found: dict[str, dict[str, str]] = {}
    for page in pages:
        if url := first_text(page, "url", "uri", "link"):
            told = found.setdefault(url, {"title": url, "url": url})
            if told["title"] == url:
                told["title"] = first_text(page, "title", "name") or url
            if preview := first_text(page, "snippet", "preview"):
                told.setdefault("preview", preview)
    return list(found.values())


def first_moment(messages: Sequence[Message]) -> int | None:
    return min((message.created_at for message in messages if message.created_at), default=None)


def last_moment(messages: Sequence[Message]) -> int | None:
    return max((message.created_at for message in messages if message.created_at), default=None)


def newest_model(messages: Sequence[Message]) -> str | None:
    return next((message.model for message in reversed(messages) if message.model and message.is_active), None)

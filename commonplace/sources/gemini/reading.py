"""Conversations of Gemini's activity: which entries belong together is inferred, and said (`grouped_by`)."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import blake2b
from typing import Any

from commonplace.model import Conversation, Message, Role
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, moment, strings
from commonplace.sources.gemini.activity import PROMPTED, is_question, split_activity
from commonplace.sources.gemini.markup import markdown_of
from commonplace.sources.listed import Kind, Listed
from commonplace.sources.turns import Around, Turn, arrange, first_moment, last_moment, title_of

_ENTRY = frozenset(
    {
        *("header", "title", "titleUrl", "time", "products", "activityControls", "details"),
        *("safeHtmlItem", "subtitles", "attachedFiles", "imageFile", "locationInfos"),
    }
)


_CHAT = re.compile(r"https://(?:gemini|bard)\.google\.com/(?:u/\d+/)?(?:app|chat)/[\w-]{1,100}")


def _conversation(entries: Any, around: Around) -> Conversation:
    if not entries:
        raise NotAConversation("no entries")
    taken: Counter[str] = Counter()
    read: list[Message] = []
    parent: str | None = None
    for entry in entries:
        at = moment(entry["time"])
        told = _messages(entry, _id(entry["title"], at, taken), at, parent, around)
        read += told
        parent = told[-1].id
    first = read[0].id
    messages, current = arrange(read, parent)
    return Conversation(
        source="gemini",
        external_id=first,
        title=title_of(messages) or first_text(entries[0], "title"),
        created_at=first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        url=next((url for entry in entries if (url := first_text(entry, "titleUrl")) and _CHAT.fullmatch(url)), None),
        extra={"grouped_by": "time and likeness"},
    )


def _id(title: str, at: int | None, taken: Counter[str]) -> str:
    """By the second and the words, which Takeout's JSON and its page share; of twins, by their number."""
    words = " ".join(title.split())
    told = f"{(at or 0) // 1_000_000}\x1f{words}"
    id = blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()
    taken[id] += 1
    return id if taken[id] == 1 else f"{id}-{taken[id]}"


def _messages(entry: dict[str, Any], id: str, at: int | None, parent: str | None, around: Around) -> list[Message]:
    """The question, and each answer that was given to it; the last one counts."""
    answers = [markdown_of(html) for item in dicts(entry.get("safeHtmlItem")) if (html := first_text(item, "html"))]
    start = next((start for start in PROMPTED if entry["title"].startswith(start)), None)
    turn = Turn(around)
    is_asked = is_question(entry)
    if is_asked:
        turn.say(entry["title"].removeprefix(start or ""))
    else:
        turn.fold("Activity", entry["title"])
    files = _files(entry)
    images = strings(entry.get("imageFile"))
    for file in files:
        turn.attach(file, name=file, kind="image" if file in images else "file")
    for note in dicts(entry.get("subtitles")):
        name, url = first_text(note, "name"), first_text(note, "url")
        if name and url and url not in files:
            turn.fold("Note", name)
    turn.more(entry, "entry", _ENTRY)
    role: Role = "user" if is_asked else "system"
    asked = turn.message(entry, id, role, parent_id=parent, created_at=at, is_hidden=not is_asked)
    return [asked, *(_answer(told, f"{id}-{number}", id, at, around) for number, told in enumerate(answers, 1))]


def _answer(told: str, id: str, parent: str, at: int | None, around: Around) -> Message:
    turn = Turn(around)
    turn.say(told)
    return turn.message(told, id, "assistant", parent_id=parent, created_at=at)


def _files(entry: dict[str, Any]) -> list[str]:
    named = [*strings(entry.get("imageFile")), *strings(entry.get("attachedFiles"))]
    named += (name for file in dicts(entry.get("attachedFiles")) if (name := first_text(file, "name", "url")))
    return list(dict.fromkeys(named))


SOURCE = Listed(
    name="gemini",
    title="Gemini",
    reader_version="gemini/4",
    kind=Kind(read=_conversation, identity=re.compile(rb"(?!)"), split=split_activity),
)

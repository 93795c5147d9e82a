"""Perplexity's threads in three shapes, which tell the same thread with other ids for its messages.

So a message is known by its question and how often it was asked before: whichever export comes first, none is doubled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.fields import dicts, first_text, mapping, moment, strings
from commonplace.sources.listed import Kind, Listed, an_object
from commonplace.sources.perplexity.entries import ASKED, KNOWN, Answer, answer_of
from commonplace.sources.shapes import look_at
from commonplace.sources.splitting import UNDER, Flaw, split
from commonplace.sources.turns import (
    Around,
    Turn,
    arrange,
    first_moment,
    in_turn,
    last_moment,
    newest_model,
    title_of,
)
from commonplace.sources.unfamiliar import count_fields

TITLE = "Perplexity"
_PEEK = 262_144
_THREAD = frozenset(
    {
        *("background_entries", "collection", "collection_uuid", "context_title", "context_uuid", "conversations"),
        *("created_at", "entries", "has_next_page", "metadata", "mode", "next_cursor", "status", "thread_metadata"),
        "updated_at",
    }
)
_ADDRESS = "https://www.perplexity.ai/search/"
_SLUG = re.compile(r"[\w.-]{1,200}")


def _threads(data: memoryview) -> Iterable[memoryview | Flaw]:
    """The conversations of Perplexity's own export; a file of the extension is one thread, whose list is its turns."""
    keys = look_at(bytes(data[:_PEEK])).keys
    is_one_thread = "entries" not in keys and not keys.isdisjoint(ASKED)
    return [data] if is_one_thread else split(data, UNDER)


def _conversation(item: Any, around: Around) -> Conversation:
    item = an_object(item, TITLE)
    told = next((item[key] for key in ("entries", "conversations") if isinstance(item.get(key), list)), None)
    if told is None:
        raise NotAConversation("no list of messages")
    entries = list(dicts(told))
    first = entries[0] if entries else {}
    about = item | mapping(item.get("thread_metadata")) | mapping(item.get("metadata"))
    external_id = first_text(about, "context_uuid", "thread_id") or first_text(first, "context_uuid")
    if external_id is None:
        raise NotAConversation("no thread has an id")
    count_fields(around.unfamiliar, item, _THREAD)
    read = list(_messages(entries, external_id, around))
    in_turn(read)
    messages, current = arrange(read)
    collection = first_text(mapping(about.get("collection")), "title")
    times = [moment(about.get("updated_at")), last_moment(messages)]
    return Conversation(
        source="perplexity",
        external_id=external_id,
        title=_title(about, first) or title_of(messages),
        created_at=moment(about.get("created_at")) or first_moment(messages),
        updated_at=max((time for time in times if time is not None), default=None),
        messages=messages,
        current_message_id=current,
        model=newest_model(messages),
        url=_url(about, first),
        project_ref=first_text(about, "collection_uuid"),
        extra={"collection": collection} if collection else {},
    )


def _title(about: dict[str, Any], first: dict[str, Any]) -> str | None:
    """Unless it is no more than the first question again, in full."""
    found = first_text(about, "thread_title", "context_title") or first_text(first, "thread_title")
    asked = first_text(first, *ASKED)
    return None if found and asked and found.strip() == asked.strip() else found


def _url(about: dict[str, Any], first: dict[str, Any]) -> str | None:
    told = first_text(about, "thread_url")
    if told and told.startswith(_ADDRESS):
        return told
    slug = first_text(first, "thread_url_slug", "entry_uuid", "backend_uuid", "uuid")
    return f"{_ADDRESS}{slug}" if slug and _SLUG.fullmatch(slug) else None


def _messages(entries: Iterable[dict[str, Any]], thread: str, around: Around) -> Iterator[Message]:
    asked_before: Counter[str] = Counter()
    for entry in entries:
        asked = first_text(entry, *ASKED) or ""
        asked_before[asked] += 1
        told = f"{thread}\x1f{asked}\x1f{asked_before[asked]}".encode("utf-8", "replace")
        id = blake2b(told, digest_size=16).hexdigest()
        at = moment(first_text(entry, "created_at", "timestamp", "entry_created_datetime", "updated_datetime"))
        yield _question(entry, asked, id, at, around)
        yield _answer(entry, f"{id}-answer", at, around)


def _question(entry: dict[str, Any], asked: str, id: str, at: int | None, around: Around) -> Message:
    turn = Turn(around)
    turn.say(asked)
    for file in strings(entry.get("attachments")):
        turn.attach(file)
    return turn.message(entry, id, "user", created_at=at)


def _answer(entry: dict[str, Any], id: str, at: int | None, around: Around) -> Message:
    turn = Turn(around)
    answer: Answer = answer_of(entry, turn)
    turn.taken.update(filter(None, (first_text(entry, *ASKED),)))
    turn.more(entry, "entry", KNOWN if answer.is_told else KNOWN - {"text"})
    return turn.message(
        entry,
        id,
        "assistant",
        created_at=at,
        model=first_text(entry, "display_model", "model", "user_selected_model"),
        extra={
            "sources": answer.sources,
            "related": strings(entry.get("related_queries")),
            "label": first_text(entry, "label"),
            "engine": first_text(entry, "engine_mode"),
        },
    )


SOURCE = Listed(
    name="perplexity",
    title=TITLE,
    reader_version="perplexity/3",
    kind=Kind(
        read=_conversation,
        identity=re.compile(rb'"(?:context_uuid|thread_id)"\s*:\s*"([^"\\]{1,100})"'),
        split=_threads,
    ),
)

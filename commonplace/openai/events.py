"""What the events of a stream tell, by the Responses API or by chat completions, of which servers know a little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from commonplace.openai import replies
from commonplace.openai.pricing import Counted
from commonplace.openai.replies import ENDS, ChatMessage, ChatUsage, Reply, ResponseBody, counted_in_chat, from_body
from commonplace.openai.thoughts import Thoughts


class Cites(msgspec.Struct, frozen=True):
    """What was said last is from this file."""

    file_id: str


class Searched(msgspec.Struct, frozen=True):
    """A search in a vector store found these passages, by file."""

    passages: dict[str, str]


Piece = str | Cites | Searched | Reply


class _Annotation(msgspec.Struct):
    type: str = ""
    file_id: str = ""
    index: int = 0
    """After so many characters."""


class _Passage(msgspec.Struct):
    file_id: str | None = None
    text: str | None = None


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    annotations: list[_Annotation] | None = None


class _Item(msgspec.Struct):
    type: str = ""
    results: list[_Passage] | None = None
    content: list[_Part] | None = None


class _Body(msgspec.Struct):
    """Of the Responses API, as it comes at once."""

    output: list[_Item]


class _Event(msgspec.Struct):
    """Of the Responses API."""

    type: str = ""
    delta: str | None = None
    annotation: _Annotation | None = None
    item: _Item | None = None
    response: ResponseBody | None = None


class _Choice(msgspec.Struct):
    delta: ChatMessage | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    """Of a chat completion."""

    choices: list[_Choice] | None = None
    usage: ChatUsage | None = None


def of_responses(events: Iterator[Any]) -> Iterator[Piece]:
    """What the Responses API tells."""
    for event in (_understood(event, _Event) for event in events):
        if event.type == "response.output_text.delta":
            yield event.delta or ""
        elif event.type == "response.output_text.annotation.added":
            if event.annotation and event.annotation.type == "file_citation":
                yield Cites(event.annotation.file_id)
        elif event.type == "response.output_item.done" and event.item and event.item.type == "file_search_call":
            yield _searched(event.item)
        elif event.type in ("response.completed", "response.incomplete", "response.failed") and event.response:
            yield from_body(event.response)


def whole_of_responses(content: bytes) -> list[Piece]:
    """The same of a server that tells all of it at once; nothing where that is no answer."""
    reply = replies.of_response(content)
    if reply.problem == "unreadable":
        return []
    output = msgspec.json.decode(content, type=_Body).output
    pieces: list[Piece] = [_searched(item) for item in output if item.type == "file_search_call"]
    for part in (part for item in output if item.type == "message" for part in item.content or []):
        if part.type == "output_text":
            pieces += _cut(part)
    return [*pieces, reply]


def _searched(item: _Item) -> Searched:
    found = reversed(item.results or ())  # the best of a file stays
    return Searched({one.file_id: one.text or "" for one in found if one.file_id})


def _cut(part: _Part) -> Iterator[Piece]:
    """A text, and what it cites where it does."""
    text, at = part.text or "", 0
    for one in sorted(part.annotations or (), key=lambda one: one.index):
        if one.type == "file_citation":
            yield text[at : one.index]
            yield Cites(one.file_id)
            at = max(at, one.index)
    yield text[at:]


def of_chat(events: Iterator[Any]) -> Iterator[Piece]:
    """What a chat completion tells."""
    ending, counted, thoughts = None, Counted(), Thoughts()
    for event in (_understood(event, _Chunk) for event in events):
        for choice in event.choices or []:
            said = choice.delta or ChatMessage()
            yield thoughts.feed(said.text)
            ending = "refused" if said.refusal else choice.finish_reason or ending
        if event.usage is not None:
            counted = counted_in_chat(event.usage)
    yield thoughts.finish()
    if ending is not None:
        yield Reply("", counted, "refused" if ending == "refused" else ENDS.get(ending))


def whole_of_chat(content: bytes) -> list[Piece]:
    """The same of a server that tells all of it at once; nothing where that is no answer."""
    reply, thoughts = replies.of_chat(content), Thoughts()
    return [] if reply.problem == "unreadable" else [thoughts.feed(reply.text), thoughts.finish(), reply]


Told = TypeVar("Told", _Event, _Chunk)


def _understood(event: Any, shape: type[Told]) -> Told:
    """What an event tells. One of another shape tells nothing: the SDK passes on whatever a server sends."""
    try:
        return msgspec.convert(event.to_dict(mode="json", warnings=False), shape)
    except (AttributeError, msgspec.ValidationError):
        return shape()

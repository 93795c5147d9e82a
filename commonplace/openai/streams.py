"""An answer while it is spoken, by the Responses API or, where a server has none, by chat completions. Some servers
know no streams, and say all of it at once.

Opening a stream may be tried again, because nothing was said yet. What broke off in the middle may not: it was paid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from commonplace.errors import Retryable
from commonplace.openai.client import Client
from commonplace.openai.errors import About, BadRequest, NotOffered, unreadable
from commonplace.openai.events import (
    Cites,
    Piece,
    Searched,
    of_chat,
    of_responses,
    whole_of_chat,
    whole_of_responses,
)
from commonplace.openai.pricing import Counted
from commonplace.openai.replies import Reply

if TYPE_CHECKING:
    from openai import OpenAI as SDK

Api = Literal["responses", "chat"]
MOST_SEARCHES, MOST_FOUND = 2, 10
"""Searches in a vector store for one answer, and pieces that each finds."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is told and asked, and how much it may say."""

    model: str
    instructions: str
    question: str
    room: int
    temperature: float | None = None
    history: tuple[dict[str, str], ...] = ()
    """What was said before, as role and content."""
    conversation: str = ""
    """One of the service's own, which is continued: question and answer are kept there."""
    store: str = ""
    """A vector store that the model searches."""


class Spoken:
    """Iterate over the pieces; then `reply` is the whole of it, with what it took. `cites` is told at its place of each
    file that is cited; `searches` and what they `found` are those of a vector store."""

    def __init__(self, pieces: Iterator[Piece], api: Api) -> None:
        self._pieces = pieces
        self.api = api
        self.reply = Reply("", Counted(), "unreadable")
        self.cites: Callable[[str], object] = lambda file_id: None
        self.searches = 0
        self.found: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        said = ""
        for piece in self._pieces:
            if not piece:
                continue
            if isinstance(piece, str):
                said += piece
                self.reply = Reply(said, Counted(), "unreadable")
                yield piece
            elif isinstance(piece, Cites):
                self.cites(piece.file_id)
            elif isinstance(piece, Searched):
                self.searches += 1
                self.found = piece.passages | self.found
            else:
                self.reply = Reply(said, piece.counted, piece.problem or (None if said.strip() else "unreadable"))


def speak(client: Client, about: About, prompt: Prompt, apis: tuple[Api, ...], *, tokens: int) -> Spoken:
    """Ask by the first of these that the server has; nothing is heard yet but that it answers."""
    *others, last = apis
    for api in others:
        with suppress(NotOffered, BadRequest, NoStream):
            return _spoken(client, about, prompt, api, tokens)
    return _spoken(client, about, prompt, last, tokens)


class NoStream(Retryable):
    """What answered was a page, or knows no such kind of question."""


def _spoken(client: Client, about: About, prompt: Prompt, api: Api, tokens: int) -> Spoken:
    open_stream, read, read_whole = _APIS[api]
    ask = client.once if prompt.conversation else client.patiently  # a turn must not be kept there twice
    stream = ask(about, lambda sdk: open_stream(sdk, prompt), tokens=tokens)
    at_once = client.call(about, lambda _: _at_once(stream))
    if at_once is not None and (pieces := read_whole(at_once)):
        stream.close()
        return Spoken(iter(pieces), api)
    events = _events(client, about, stream)
    first = next(events, None)
    if first is None:
        stream.close()
        raise NoStream(unreadable(about).message, hint=unreadable(about).hint)
    return Spoken(read(_from(first, events)), api)


def _at_once(stream: Any) -> bytes | None:
    """All that came, where it is not called a stream. What is one all the same is read as one after that."""
    kind = stream.response.headers.get("content-type", "")
    return None if "event-stream" in kind else bytes(stream.response.read())


def _from(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _events(client: Client, about: About, stream: Any) -> Iterator[Any]:
    try:
        while (event := client.call(about, lambda _: next(stream, None))) is not None:
            yield event
    finally:
        stream.close()


def _open_response(sdk: SDK, prompt: Prompt) -> Any:
    body: dict[str, Any] = {
        "model": prompt.model,
        "instructions": prompt.instructions,
        "input": [*prompt.history, {"role": "user", "content": prompt.question}] if prompt.history else prompt.question,
        "max_output_tokens": prompt.room,
        **({"conversation": prompt.conversation} if prompt.conversation else {"store": False}),
        **(_searching(prompt.store) if prompt.store else {}),
    }
    return sdk.responses.create(**body, **_warmth(prompt), stream=True)


def _searching(store_id: str) -> dict[str, Any]:
    tool = {"type": "file_search", "vector_store_ids": [store_id], "max_num_results": MOST_FOUND}
    return {"tools": [tool], "max_tool_calls": MOST_SEARCHES, "include": ["file_search_call.results"]}


def _open_chat(sdk: SDK, prompt: Prompt) -> Any:
    body: dict[str, Any] = {
        "model": prompt.model,
        "messages": [
            {"role": "system", "content": prompt.instructions},
            *prompt.history,
            {"role": "user", "content": prompt.question},
        ],
        "max_tokens": prompt.room,
        "stream_options": {"include_usage": True},
    }
    return sdk.chat.completions.create(**body, **_warmth(prompt), stream=True)


def _warmth(prompt: Prompt) -> dict[str, Any]:
    return {} if prompt.temperature is None else {"temperature": prompt.temperature}


Way = tuple[Callable[["SDK", Prompt], Any], Callable[[Iterator[Any]], Iterator[Piece]], Callable[[bytes], list[Piece]]]
_APIS: dict[Api, Way] = {
    "responses": (_open_response, of_responses, whole_of_responses),
    "chat": (_open_chat, of_chat, whole_of_chat),
}

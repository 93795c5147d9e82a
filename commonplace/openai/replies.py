"""An answer as it came over the wire: its text, what it cost, and whether the model finished.

Status, truncation and refusals are looked at before anybody reads the text: a cut-off answer is not a malformed one.
The SDK's own parsing would raise there and lose the bill, so answers are read from their bytes, live and from batches
alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from commonplace.openai.pricing import Counted

if TYPE_CHECKING:
    from openai import OpenAI as SDK

Problem = Literal["truncated", "filtered", "refused", "failed", "unreadable"]

SAYS = {
    "truncated": "the answer was cut off",
    "filtered": "the service's content filter stopped the answer",
    "refused": "the model refused to answer",
    "failed": "the model failed to answer",
    "unreadable": "the answer was not readable",
}
ENDS: dict[str, Problem] = {"length": "truncated", "content_filter": "filtered"}
"""How a chat completion ends that is not whole."""


class Reply(msgspec.Struct, frozen=True):
    """What a model said, or the problem that kept it from saying all of it. `text` may be incomplete then."""

    text: str
    counted: Counted
    problem: Problem | None = None


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


class _Item(msgspec.Struct):
    type: str = ""
    content: list[_Part] | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _InputDetails | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class ResponseBody(msgspec.Struct):
    """The parts of a Response that matter here."""

    status: str = "completed"
    output: list[_Item] = msgspec.field(default_factory=list)
    usage: _Usage | None = None
    incomplete_details: _Incomplete | None = None


class ChatMessage(msgspec.Struct):
    """What a model said, or a piece of it. Models that think aloud say it in parts, of which some are text."""

    content: str | list[_Part] | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content if part.type == "text")
        return self.content or ""


class _Choice(msgspec.Struct):
    message: ChatMessage = msgspec.field(default_factory=ChatMessage)
    finish_reason: str | None = None


class _ChatDetails(msgspec.Struct):
    cached_tokens: int | None = None


class ChatUsage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _ChatDetails | None = None


class _ChatBody(msgspec.Struct):
    choices: list[_Choice] = msgspec.field(default_factory=list)
    usage: ChatUsage | None = None


def respond(sdk: SDK, body: dict[str, Any]) -> Reply:
    """Ask the Responses API."""
    return of_response(sdk.responses.with_raw_response.create(**body).http_response.content)


def complete(sdk: SDK, body: dict[str, Any]) -> Reply:
    """Ask for a chat completion, which every server has."""
    return of_chat(sdk.chat.completions.with_raw_response.create(**body).http_response.content)


def object_in(text: str) -> str:
    """The JSON object of an answer, out of the fences, thoughts and phrases that smaller models put around it."""
    said = text.rpartition("</think>")[2]
    start, end = said.find("{"), said.rfind("}")
    return said[start : end + 1] if 0 <= start < end else said


def took(reply: Reply) -> int | None:
    """The tokens of an answer, where it tells them."""
    return reply.counted.total or None


def of_response(content: bytes) -> Reply:
    """The reply in the body of a Response."""
    try:
        return from_body(msgspec.json.decode(content, type=ResponseBody))
    except msgspec.MsgspecError:
        return Reply("", Counted(), "unreadable")


def from_body(body: ResponseBody) -> Reply:
    parts = [part for item in body.output if item.type == "message" for part in item.content or []]
    text = "".join(part.text or "" for part in parts if part.type == "output_text")
    return Reply(text, _counted(body.usage), _problem(body, parts, text))


def _problem(body: ResponseBody, parts: list[_Part], text: str) -> Problem | None:
    if body.status == "incomplete":
        reason = body.incomplete_details.reason if body.incomplete_details else None
        return "filtered" if reason == "content_filter" else "truncated"
    if any(part.type == "refusal" for part in parts):
        return "refused"
    if body.status != "completed":
        return "failed"
    return None if text else "unreadable"


def _counted(usage: _Usage | None) -> Counted:
    if usage is None:
        return Counted()
    details = usage.input_tokens_details or _InputDetails()
    return Counted(
        input=usage.input_tokens,
        cached=details.cached_tokens,
        written=details.cache_write_tokens,
        output=usage.output_tokens,
    )


def of_chat(content: bytes) -> Reply:
    """The reply in the body of a chat completion."""
    try:
        body = msgspec.json.decode(content, type=_ChatBody)
    except msgspec.MsgspecError:
        return Reply("", Counted(), "unreadable")
    counted = counted_in_chat(body.usage or ChatUsage())
    if not body.choices:
        return Reply("", counted, "unreadable")
    choice = body.choices[0]
    if choice.message.refusal:
        return Reply("", counted, "refused")
    text = choice.message.text
    return Reply(text, counted, ENDS.get(choice.finish_reason or "") or (None if text else "unreadable"))


def counted_in_chat(usage: ChatUsage) -> Counted:
    """What a chat completion says that it took."""
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    return Counted(input=usage.prompt_tokens or 0, cached=cached or 0, output=usage.completion_tokens or 0)

"""Whose conversations a file holds, told by its shape alone: also those of assistants that are not read yet."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from commonplace.sources.splitting import keys_at_start, without_bom

CHATGPT = "ChatGPT"

_KEYS: tuple[tuple[str, frozenset[str]], ...] = (
    ("Claude", frozenset({"chat_messages"})),
    ("DeepSeek", frozenset({"mapping", "inserted_at"})),
    (CHATGPT, frozenset({"mapping"})),
    ("AI Studio", frozenset({"chunkedPrompt"})),
    ("Grok", frozenset({"conversation", "responses"})),
    ("Le Chat", frozenset({"chatId"})),
    ("Gemini", frozenset({"header", "title", "time"})),
    ("Claude Code", frozenset({"sessionId", "uuid", "type"})),
    ("Codex", frozenset({"timestamp", "type", "payload"})),
    ("LibreChat", frozenset({"conversationId", "messages"})),
    ("Open WebUI", frozenset({"chat", "title", "user_id"})),
    ("Perplexity", frozenset({"entries", "thread_metadata"})),
)
"""The first whose keys are all there: what has more keys stands before what has fewer of them."""

_TEXTS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("Copilot", re.compile(rb'\A"?Conversation"?,"?Time"?,"?Author"?,"?Message"?\r?\n')),
    ("Gemini", re.compile(rb'\A\s*<(?:!doctype )?html.*"outer-cell.*>Gemini Apps<', re.IGNORECASE | re.DOTALL)),
)


class Head(msgspec.Struct, frozen=True):
    """How a file begins."""

    outer: frozenset[str] = frozenset()
    """The keys of the value that it is."""
    inner: frozenset[str] = frozenset()
    """The keys of the first item in that value."""
    owner: str | None = None
    """Whose conversations these are, if anybody's that we know."""
    is_empty: bool = False
    """A list of nothing."""


def look_at(start: bytes) -> Head:
    """What the first bytes of a file show."""
    start = without_bom(start).tobytes()
    outer, inner = keys_at_start(start)
    owner = whose(inner) or whose(outer) or next((name for name, text in _TEXTS if text.match(start)), None)
    is_empty = start.strip() in (b"[]", b'{"conversations":[]}')
    return Head(frozenset(outer), frozenset(inner), owner, is_empty)


def whose(keys: Collection[str]) -> str | None:
    """Which assistant's conversation has these keys; None if nobody's that we know."""
    return next((name for name, wanted in _KEYS if wanted.issubset(keys)), None)

"""Whose conversations a file holds, told by its shape alone."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import islice

import msgspec

from commonplace.sources.file_types import packed_with, type_by_magic
from commonplace.sources.splitting import Found, items_at_start, without_bom

CHATGPT = "ChatGPT"
COMPLIANCE = "ChatGPT Compliance Logs"

_OF_COMPLIANCE = re.compile(
    rb'"(?:object|type|event_type|action)"\s*:\s*"(?:compliance\.workspace\.(?:conversation|message)|'
    rb'(?i:conversation[._]message)[\w.]*)"'
)
"""The kind of an event, in an envelope that may look like anything."""

_KEYS: tuple[tuple[str, frozenset[str]], ...] = (
    (COMPLIANCE, frozenset({"workspace_id", "conversation_id"})),
    (COMPLIANCE, frozenset({"workspace_id", "messages"})),
    (COMPLIANCE, frozenset({"event_id", "conversation_id"})),
    ("Claude", frozenset({"chat_messages"})),
    ("DeepSeek", frozenset({"mapping", "inserted_at"})),
    (CHATGPT, frozenset({"mapping"})),
    ("AI Studio", frozenset({"chunkedPrompt"})),
    ("Grok", frozenset({"conversation", "responses"})),
    ("Le Chat", frozenset({"chatId"})),
    ("Gemini", frozenset({"header", "title", "time"})),
    ("Claude Code", frozenset({"sessionId", "uuid", "type"})),
    ("Codex", frozenset({"timestamp", "type", "payload"})),
    ("Codex", frozenset({"timestamp", "id", "instructions"})),
    ("LibreChat", frozenset({"conversationId", "messages"})),
    ("Open WebUI", frozenset({"chat", "title", "user_id"})),
    ("Perplexity", frozenset({"entries", "thread_metadata"})),
    ("Perplexity", frozenset({"entries", "context_uuid"})),
    ("Perplexity", frozenset({"query_str", "context_uuid"})),
    ("Perplexity", frozenset({"query", "answer", "related_queries"})),
)
"""The first whose keys are all there: what has more keys stands before what has fewer of them."""

_COLUMNS = (b"Conversation", b"Time", b"Author", b"Message")
"""Of Copilot's history, wherever they stand in its first line."""

_TEXTS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    (
        "Copilot",
        re.compile(
            rb"\A" + b"".join(rb'(?=(?:[^\n]{0,999}[,;])?[ ]?"?%s"?[ ]?[,;\r\n])' % name for name in _COLUMNS),
            re.IGNORECASE,
        ),
    ),
    (
        "Gemini",
        re.compile(
            rb'\A\s*<(?:!doctype )?html(?=(.*?"outer-cell))\1.*?(?:>Gemini Apps<|--title">[^<]{0,40}(?:Gemini|Bard))',
            re.IGNORECASE | re.DOTALL,
        ),
    ),
)


_FILES: tuple[tuple[str, frozenset[str]], ...] = (
    ("Claude", frozenset({"users.json", "projects.json", "memories.json", "design_chats"})),
    ("Grok", frozenset({"prod-grok-backend.json"})),
)
"""Names that only one assistant's exports have: they tell whose a file of that name without any item is."""

_IN_FRAGMENTS = re.compile(rb'"fragments"\s*:\s*\[')
"""DeepSeek's messages are in pieces; apart from that its conversations may look like ChatGPT's."""
_OF_GEMINI = re.compile(rb'"header"\s*:\s*"[^"]{0,40}(?:Gemini|Bard)')
"""Google's other services have the same activity, but for the name of the service."""
_TOLD_LATER = frozenset({CHATGPT, "Codex"})
"""What looks like theirs as far as it goes may be somebody else's by what follows in the item."""
_MOST_ITEMS = 50


class Head(msgspec.Struct, frozen=True):
    """How a file begins."""

    owner: str | None = None
    """Whose conversations these are, if anybody's that we know."""
    under: str | None = None
    """The key under which their list stands, if there is an object around it."""
    keys: frozenset[str] = frozenset()
    """Those of the first item that has any."""
    is_empty: bool = False
    """A list of nothing."""
    is_settled: bool = False
    """Whether more of the file would show the same."""


def look_at(start: bytes) -> Head:
    """What the first bytes of a file show."""
    if packed_with(start) or type_by_magic(start):  # a tar, or a zip, may hold its files as they are
        return Head()
    start = without_bom(start).tobytes()
    first: frozenset[str] = frozenset()
    for found in _some(items_at_start(start)):
        first = first or frozenset(found.keys)
        owner = whose(found.keys)
        if owner in (None, "Codex") and _OF_COMPLIANCE.search(start, found.start, found.end):
            owner = COMPLIANCE
        if owner == "Gemini" and not _OF_GEMINI.search(start, found.start, found.end):
            continue
        if owner:
            is_in_fragments = owner == CHATGPT and _IN_FRAGMENTS.search(start, found.start, found.end)
            is_settled = owner not in _TOLD_LATER or found.end < len(start)
            return Head(
                "DeepSeek" if is_in_fragments else owner, found.under, frozenset(found.keys), is_settled=is_settled
            )
    owner = next((name for name, text in _TEXTS if text.match(start)), None)
    return Head(owner, None, first, start.strip() in (b"[]", b'{"conversations":[]}'))


def _some(items: Iterator[Found]) -> Iterator[Found]:
    """The first of them and the last, which may be what is around all the others."""
    yield from islice(items, _MOST_ITEMS)
    yield from deque(items, maxlen=1)


def whose(keys: Collection[str]) -> str | None:
    """Which assistant's conversation has these keys; None if nobody's that we know."""
    return _whose(frozenset(keys))


@lru_cache(maxsize=64)  # one after the other, most have the same
def _whose(keys: frozenset[str]) -> str | None:
    return next((name for name, wanted in _KEYS if wanted <= keys), None)


def whose_files(names: Collection[str]) -> set[str]:
    """The assistants whose exports alone have files or folders of these names."""
    return {owner for owner, its in _FILES if not its.isdisjoint(names)}

"""A day's summary as a conversation of its own kind. Before `summary_json`, it came as Python's own spelling of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.moments import to_iso
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import storable
from commonplace.sources.fields import dicts, first_text, flag, mapping, moment, strings, text
from commonplace.sources.omi.bodies import SOURCE, digest, is_empty, without_places
from commonplace.sources.omi.notes import AUTHOR, listed

KIND = "day_summary"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_LITERAL = 200_000
_DEEPEST_LITERAL = 30


def read_day(told: Any, received_at: int, *, keep_location: bool) -> Conversation:
    """The summary. Raises `NotAConversation` when it says nothing."""
    told = mapping(told)
    summary = mapping(told.get("summary_json")) or _of_python(told.get("summary"))
    if not keep_location:
        summary = without_places(summary)
    at = moment(told.get("created_at")) or received_at
    written = "\n\n".join(_parts(summary)) or (text(told.get("summary")) or "").strip()
    if not written:
        raise NotAConversation("It is a day's summary that says nothing.")
    day = _day(summary, at)
    return Conversation(
        source=SOURCE,
        external_id=f"day-{day}",
        title=text(summary.get("headline")) or f"Summary of {day}",
        created_at=at,
        updated_at=at,
        messages=[
            Message(
                id="summary",
                role="assistant",
                author=AUTHOR,
                content_type=KIND,
                text=written,
                digest=digest("assistant", written),
                created_at=at,
            )
        ],
        extra={"kind": KIND, "day": day}
        | {key: storable(value) for key, value in summary.items() if key != "id" and not is_empty(value)},
    )


def _day(summary: dict[str, Any], at: int) -> str:
    named = text(summary.get("date")) or ""
    found = _DAY.match(named.strip())
    return found[0] if found else (to_iso(at) or "")[:10]


def _parts(summary: dict[str, Any]) -> Iterator[str]:
    if overview := text(summary.get("overview")):
        yield overview.strip()
    for highlight in dicts(summary.get("highlights")):
        if said := text(highlight.get("summary")):
            topic = text(highlight.get("topic"))
            yield f"## {topic.strip()}\n\n{said.strip()}" if topic else said.strip()
    yield from listed("To do", [_action(item) for item in dicts(summary.get("action_items")) if _told(item)])
    yield from listed("Open questions", _lines(summary.get("unresolved_questions"), "question"))
    yield from listed("Decided", _lines(summary.get("decisions_made"), "decision"))
    yield from listed("Learned", _lines(summary.get("knowledge_nuggets"), "insight"))
    if not any(text(summary.get(key)) for key in ("overview",)) and (headline := text(summary.get("headline"))):
        yield headline.strip()


def _action(item: dict[str, Any]) -> str:
    return f"{'[x]' if flag(item.get('completed')) else '[ ]'} {_told(item)}"


def _told(item: dict[str, Any]) -> str:
    return " ".join((first_text(item, "description") or "").split())


def _lines(value: object, key: str) -> list[str]:
    found = [*strings(value), *(first_text(item, key, "description", "text") or "" for item in dicts(value))]
    return [" ".join(line.split()) for line in found if line]


def _of_python(value: object) -> dict[str, Any]:
    """`{'headline': 'h'}` as older OMIs send it. Nothing is run, and nothing that is deep or long is looked at."""
    if not isinstance(value, str) or not value.lstrip().startswith("{") or len(value) > _LONGEST_LITERAL:
        return {}
    if (
        max(value.count("{"), value.count("["), value.count("(")) > _LONGEST_LITERAL // 100
        or _depth(value) > _DEEPEST_LITERAL
    ):
        return {}
    try:
        return mapping(ast.literal_eval(value.strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return {}


def _depth(written: str) -> int:
    """At most as deep as this, taking brackets inside of texts for real ones."""
    deepest = depth = 0
    for character in written:
        if character in "{[(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}])":
            depth -= 1
    return deepest

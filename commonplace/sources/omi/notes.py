"""What OMI made of a conversation, as one message: overview, sections, what is to be done, and what its apps said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from commonplace.model import Message
from commonplace.moments import to_iso
from commonplace.sources.fields import dicts, first_text, flag, mapping, moment, strings, text
from commonplace.sources.omi.bodies import digest

AUTHOR = "OMI"

CATEGORIES = {
    "personal": "personal life",
    "education": "education and learning",
    "health": "health",
    "finance": "personal finance",
    "legal": "law",
    "philosophy": "philosophy",
    "spiritual": "religion and spirituality",
    "science": "science",
    "entrepreneurship": "founding a business",
    "parenting": "parenting",
    "romantic": "love and romance",
    "travel": "travel",
    "inspiration": "inspiration and motivation",
    "technology": "technology",
    "business": "business",
    "social": "social life",
    "work": "work and career",
    "sports": "sports",
    "politics": "politics",
    "literature": "books and literature",
    "history": "history",
    "architecture": "architecture",
    "music": "music",
    "weather": "the weather",
    "news": "news",
    "entertainment": "entertainment",
    "psychology": "psychology",
    "real": "real estate",
    "design": "design",
    "family": "family",
    "economics": "economics",
    "environment": "the environment",
}
"""OMI's own categories (all but `other`) in words that a judge of any taxonomy understands."""


def read_notes(told: dict[str, Any], at: int | None) -> Message | None:
    """The message, if there is anything to tell."""
    parts = list(_parts(told))
    if not parts:
        return None
    written = "\n\n".join(parts)
    return Message(
        id="notes",
        role="assistant",
        author=AUTHOR,
        content_type="notes",
        text=written,
        digest=digest("assistant", written),
        created_at=at,
    )


def _parts(told: dict[str, Any]) -> Iterator[str]:
    structured = mapping(told.get("structured"))
    if overview := text(structured.get("overview")):
        yield overview.strip()
    for section in dicts(structured.get("sections")):
        body = first_text(section, "body_markdown", "body")
        heading = text(section.get("heading"))
        if body:
            yield f"## {heading.strip()}\n\n{body.strip()}" if heading else body.strip()
    yield from listed("To do", [_action(item) for item in _items(structured.get("action_items"), "description")])
    yield from listed("Events", [_event(item) for item in dicts(structured.get("events")) if text(item.get("title"))])
    for result in _app_results(told):
        yield f"## What an app said\n\n{result}"
    if subject := CATEGORIES.get(str(structured.get("category"))):
        yield f"OMI takes it to be about {subject}."


def listed(heading: str, lines: list[str]) -> Iterator[str]:
    """A list under a heading, where there is something to list."""
    if lines:
        yield f"## {heading}\n\n" + "\n".join(f"- {line}" for line in lines)


def _items(value: object, key: str) -> Iterator[dict[str, Any]]:
    """Objects that have a text; older ones are the text alone."""
    yield from ({key: item} for item in strings(value))
    yield from (item for item in dicts(value) if text(item.get(key)))


def _action(item: dict[str, Any]) -> str:
    box = "[x]" if flag(item.get("completed")) else "[ ]"
    due = to_iso(moment(item.get("due_at")))
    return f"{box} {_line(item['description'])}" + (f" (by {due[:10]})" if due else "")


def _event(item: dict[str, Any]) -> str:
    starts = to_iso(moment(item.get("start")))
    described = text(item.get("description"))
    parts = [_line(item["title"]), f"({starts[:16].replace('T', ' ')} UTC)" if starts else "", _line(described or "")]
    return " ".join(part for part in parts if part)


def _app_results(told: dict[str, Any]) -> list[str]:
    """Three generations of names; the older ones are mirrored in the newer."""
    for key in ("apps_results", "apps_response", "plugins_results", "plugins_response"):
        results = [content.strip() for item in dicts(told.get(key)) if (content := text(item.get("content")))]
        if results:
            return results
    return []


def _line(written: str) -> str:
    return " ".join(written.split())

"""What programs are told of a thing: the same fields wherever it occurs, none of them longer than it has to be."""

from __future__ import annotations

from typing import Any

from commonplace.archive.conversations.reading import Entry
from commonplace.archive.projects.registry import Listed
from commonplace.archive.search.search import Result
from commonplace.moments import to_iso
from commonplace.stages.asking import Answer

LONGEST_TITLE, LONGEST_TEXT = 300, 600
SOURCE_TEXT = 2_000


def shortened(text: str | None, most: int = LONGEST_TEXT) -> str:
    text = text or ""
    return text if len(text) <= most else text[: most - 1] + "…"


def entry(one: Entry) -> dict[str, Any]:
    """A conversation in a list, as the founding system told it, and a little more."""
    return {
        "id": one.id,
        "title": shortened(one.title, LONGEST_TITLE),
        "created_at": to_iso(one.created_at),
        "category": one.category,
        "overview": shortened(one.overview),
        "source": one.source,
        "project": one.project_name or one.project_id,
    }


def hit(one: Result) -> dict[str, Any]:
    """A conversation that was found, and why."""
    return {
        "id": one.id,
        "title": shortened(one.title, LONGEST_TITLE),
        "created_at": to_iso(one.created_at),
        "updated_at": to_iso(one.updated_at),
        "snippet": shortened(one.snippet),
        "score": one.score,
        "category": one.category,
        "project": one.project,
        "source": one.source,
        "message_id": one.message_id,
        "role": one.role,
        "why": one.why,
    }


def project(one: Listed) -> dict[str, Any]:
    return {"id": one.id, "name": shortened(one.name, LONGEST_TITLE), "conversations": one.conversations}


def answered(told: Answer) -> dict[str, Any]:
    sources = [
        {
            "number": one.number,
            "id": one.id,
            "title": shortened(one.title, LONGEST_TITLE),
            "date": one.date,
            "message_id": one.message_id,
            "text": shortened(one.text, SOURCE_TEXT),
            "said_by": list(one.said_by),
        }
        for one in told.sources
    ]
    about = {"model": told.model, "cost_usd": told.cost_usd, "seconds": told.seconds, "note": told.note}
    return {"answer": shortened(told.answer, 20_000), "sources": sources, **about}

"""Finding conversations by what was said in them: a page of results, and what the whole of it looks like."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, func, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, messages, projects
from commonplace.archive.search import facets as facets_of
from commonplace.archive.search import text_index
from commonplace.archive.search.facets import Facet
from commonplace.archive.search.filters import Filters
from commonplace.archive.search.finding import Found, Way
from commonplace.archive.search.hits import message_of
from commonplace.archive.search.modes import Direction, Mode, Ways, WideSearch
from commonplace.archive.search.query import parse
from commonplace.archive.search.relevance import Matcher, passage
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import Refused
from commonplace.moments import to_iso

if TYPE_CHECKING:
    from commonplace.archive.search.passages import Kind

__all__ = ["Direction", "Facet", "Filters", "Mode", "Result", "SearchResult", "search", "similar"]

MOST_OFFSET = 10_000

# Made once: to make a question costs as much as to ask it.
_OF_HEADS = ("id", "title", "created_at", "updated_at", "category", "source")
_NAMED = and_(projects.c.owner == bindparam("owner"), projects.c.id == conversations.c.project_id)
_HEADS = (
    select(
        *(shown_title() if name == "title" else conversations.c[name] for name in ("key", *_OF_HEADS)),
        func.coalesce(projects.c.name, conversations.c.project_id).label("project"),
    )
    .select_from(conversations.outerjoin(projects, _NAMED))
    .where(conversations.c.key.in_(bindparam("keys", expanding=True)))
)
_SAID = select(*(messages.c[name] for name in ("key", "id", "role", "text"))).where(
    messages.c.key.in_(bindparam("keys", expanding=True))
)


class Result(msgspec.Struct, kw_only=True):
    """A conversation, and the message of it that answers best."""

    id: str
    title: str | None
    created_at: int | None
    updated_at: int | None
    snippet: str
    score: float
    category: str | None
    project: str | None
    source: str
    message_id: str | None
    role: str | None
    why: Way
    """Has it all that was wanted, is it near in meaning, or has it some of the words?"""
    place: tuple[int, int] | None = None
    """Where in its message the passage begins and ends that is near in meaning."""


class SearchResult(msgspec.Struct, kw_only=True):
    """A page of what was found, and what the whole of it looks like."""

    mode: Mode
    total: int
    total_is_exact: bool
    ways: Ways
    """How many of the total were found in which way."""
    note: str = ""
    """What could not be looked for, and why."""
    took_ms: float
    results: list[Result]
    facets: dict[str, list[Facet]] = msgspec.field(default_factory=dict)
    facets_are_exact: bool = True
    index_is_complete: bool = True
    """False while an import is under way that has set the text index aside."""

    def as_json(self) -> dict[str, Any]:
        """The same with moments as ISO 8601."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for result in plain["results"]:
            for name in ("created_at", "updated_at"):
                result[name] = to_iso(result[name])
        return plain


def search(
    archive: Archive,
    text: str,
    *,
    mode: Mode = "words",
    direction: Direction | None = None,
    filters: Filters = Filters(),
    newest_first: bool = False,
    limit: int = 20,
    offset: int = 0,
    facets: bool = True,
    marks: tuple[str, str] = ("**", "**"),
) -> SearchResult:
    """The conversations that have all of it, in one message or in the title, best first; with nothing to look for, all.

    By `meaning`, those near to it, as far as there is a `direction`; `hybrid` begins with the words and goes on with
    meaning (modes.py). Whatever is typed is safe. `marks` go around what matches in the snippets.
    """
    started = time.perf_counter()
    is_complete = text_index.ensure_live(archive)
    query = parse(text)
    page = slice(min(max(offset, 0), MOST_OFFSET), min(max(offset, 0), MOST_OFFSET) + max(limit, 0))
    with archive.read() as connection:
        wide = WideSearch(archive, connection, query, filters)
        found, whole, ways = wide.find_by(mode, direction, newest_first=newest_first, page=page, facets=facets)
        counts = facets_of.count(connection, archive.owner, whole.by_conversation, whole.weight) if facets else {}
        results = _results(connection, archive.owner, found, Matcher(query.wanted), marks, filters.include_hidden)
    return SearchResult(
        mode=mode,
        total=ways.words + ways.meaning + ways.some_words,
        ways=ways,
        total_is_exact=whole.is_exact,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        results=results,
        facets=counts,
        facets_are_exact=whole.is_exact,
        index_is_complete=is_complete,
    )


def similar(
    archive: Archive,
    kind: Kind,
    id: str,
    *,
    filters: Filters = Filters(),
    limit: int = 20,
    offset: int = 0,
    marks: tuple[str, str] = ("**", "**"),
) -> SearchResult:
    """The conversations nearest to one in meaning. Refused where it has no vectors of this kind."""
    from commonplace.archive.search.passages import wholes

    started = time.perf_counter()
    (row,) = wholes(archive, kind, [id])
    if not row.any():
        raise Refused(
            "Nothing is known of what this conversation means.",
            hint="Run `commonplace embed`; what the model does not understand has no vectors.",
        )
    with archive.read() as connection:
        query = select(conversations.c.key).where(conversations.c.owner == archive.owner, conversations.c.id == id)
        found = WideSearch(archive, connection, parse(""), filters).like(
            kind, connection.execute(query).scalar_one(), row
        )
        page = found[max(offset, 0) : max(offset, 0) + max(limit, 0)]
        results = _results(connection, archive.owner, page, Matcher(()), marks, filters.include_hidden)
    return SearchResult(
        mode="meaning",
        total=len(found),
        total_is_exact=False,
        ways=Ways(meaning=len(found)),
        took_ms=round((time.perf_counter() - started) * 1000, 3),
        results=results,
    )


def _results(
    connection: Connection,
    owner: str,
    found: Sequence[Found],
    matcher: Matcher,
    marks: tuple[str, str],
    include_hidden: bool,
) -> list[Result]:
    asked = {"owner": owner, "keys": [one.key for one in found]}
    heads = {row.key: row for row in connection.execute(_HEADS, asked)}
    shown = {one.key: message_of(one.hit) for one in found if one.hit is not None}
    shown |= _first_messages(connection, [one.key for one in found if one.hit is None], include_hidden)
    rows = {row.key: row for row in connection.execute(_SAID, {"keys": list(shown.values())})}
    results = []
    for one in found:
        head, message = heads.get(one.key), rows.get(shown.get(one.key, 0))
        if head is not None:
            results.append(
                Result(
                    **{name: head._mapping[name] for name in (*_OF_HEADS, "project")},
                    snippet=_snippet(one, message.text, matcher, marks) if message else "",
                    why=one.why,
                    place=one.place,
                    score=round(one.score, 4),
                    message_id=message.id if message else None,
                    role=message.role if message else None,
                )
            )
    return results


def _snippet(found: Found, text: str, matcher: Matcher, marks: tuple[str, str]) -> str:
    return passage(text, found.place, marks) if found.place else matcher.excerpt(text, marks)


def _first_messages(connection: Connection, keys: Sequence[int], include_hidden: bool) -> dict[int, int]:
    """The beginning of conversations that nothing in particular was found in."""
    if not keys:
        return {}
    said = messages.c
    query = select(said.conversation_key, said.key).where(
        said.conversation_key.in_(keys), said.is_active.is_(True), func.length(func.trim(said.text)) > 0
    )
    if not include_hidden:
        query = query.where(said.is_hidden.is_(False))
    first: dict[int, int] = {}
    for conversation_key, key in connection.execute(query.order_by(said.conversation_key, said.position)):
        first.setdefault(conversation_key, key)
    return first

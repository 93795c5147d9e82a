"""Ask: a question, answered from the archive. Without a model the best passages are the answer, quoted and sourced."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import select

from commonplace.answers.prompt import NOT_THERE
from commonplace.answers.sources import Piece, Said, Source, chosen
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations
from commonplace.archive.search import surroundings
from commonplace.archive.search.filters import Filters
from commonplace.archive.search.finding import Way
from commonplace.archive.search.query import parse
from commonplace.archive.search.relevance import Matcher
from commonplace.archive.search.search import Result
from commonplace.errors import Refused
from commonplace.meaning.passages import clean, cut
from commonplace.moments import to_iso
from commonplace.session import Session
from commonplace.stages.searching import Searcher

OWN = "commonplace"
"""The source of what was asked and answered here: it is found again, and no answer stands on it."""
LONGEST_QUESTION = 4_000
QUOTED = 5
"""Passages that are shown where no model answers."""
CANDIDATES = 24
WORDS = 150
"""Of a piece of a conversation that alone is asked."""
_SAID = ("user", "assistant")
INTERRUPTED = "The answer was interrupted."
"""By who asked. What was said was paid for, and is kept like any answer that broke off."""
QUOTE = 12_000
"""Characters of all that is quoted."""


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it is told."""

    number: int
    id: str
    title: str
    date: str
    message_id: str | None
    text: str
    said_by: tuple[str, ...] = ()
    """Who, in the order of the text."""


class Answer(msgspec.Struct, kw_only=True):
    """What `commonplace ask --json` prints."""

    answer: str
    sources: list[Cited]
    model: str = ""
    """Empty: no model was asked, and the sources are the answer."""
    cost_usd: float = 0.0
    seconds: float = 0.0
    note: str = ""
    """What could not be looked for, and why; what was taken out of the answer."""
    id: str = ""
    """The conversation that question and answer are kept as."""
    error: str = ""
    """Why it is not whole."""


def quote(session: Session, searcher: Searcher, question: str, *, filters: Filters = Filters()) -> Answer:
    """The passages that answer best, each with where it is from."""
    started = time.monotonic()
    found, note = retrieve(session, searcher, question, filters=filters)
    sources = chosen(found, room=QUOTE, size=len, most=QUOTED)
    return Answer(
        answer="" if sources else NOT_THERE,
        sources=[cited(source) for source in sources],
        seconds=round(time.monotonic() - started, 3),
        note=note,
    )


def retrieve(
    session: Session, searcher: Searcher, question: str, *, filters: Filters = Filters()
) -> tuple[Iterator[Piece], str]:
    """What was found for a question, best first, with what stands around it; and what could not be looked for."""
    asked = clean(question, LONGEST_QUESTION)
    if not any(map(str.isalnum, asked)):
        raise Refused("Nothing was asked.", hint='For example: commonplace ask "what did I want to bake?"')
    if filters.conversation is not None:
        return _of_one(session, filters.conversation, _plain(asked)), ""
    if _has_own(session.archive):
        filters = msgspec.structs.replace(filters, except_source=OWN)
    result = searcher.search(
        _plain(asked), mode="hybrid", filters=filters, limit=CANDIDATES, facets=False, marks=("", "")
    )
    return _telling(asked, ((each.why, _piece(session, each)) for each in result.results)), result.note


def cited(source: Source) -> Cited:
    piece = source.piece
    return Cited(
        number=source.number,
        id=piece.conversation_id,
        title=piece.title,
        date=piece.date,
        message_id=piece.message_id,
        text=piece.quotation,
        said_by=piece.speakers,
    )


def _telling(asked: str, found: Iterable[tuple[Way, Piece]]) -> Iterator[Piece]:
    """The pieces; of those that only have some of the words, none that has but words like `who` and `the`."""
    from commonplace.projects.stopwords import STOP_WORDS
    from commonplace.projects.terms import words

    telling = tuple({word for word in words(asked) if word not in STOP_WORDS})
    for why, piece in found:
        said = words(f"{piece.title} {piece.text}")
        if why != "some words" or not telling or any(word.startswith(telling) for word in said):
            yield piece


def _has_own(archive: Archive) -> bool:
    """A search that leaves nothing out is quicker."""
    own = select(conversations.c.key).where(conversations.c.owner == archive.owner, conversations.c.source == OWN)
    with archive.read() as connection:
        return connection.execute(own.limit(1)).first() is not None


def _plain(asked: str) -> str:
    """A question is no query: what would quote, exclude or cut short in the search box is just how people write."""
    return " ".join(word.strip("\"'“”„«»*").lstrip("-") for word in asked.split())


def _of_one(session: Session, id: str, asked: str) -> Iterator[Piece]:
    """All that was said in one conversation, in pieces: first what has most of the words, the rest in its order."""
    filed = next(iter(load_filed(session.archive, [id])), None)
    if filed is None:
        raise Refused(f"There is no conversation {id!r}.")
    about, wanted = filed.conversation, parse(asked).wanted
    matcher, alike = Matcher(wanted), [1.0] * len(wanted)
    said = (each for each in about.messages if each.is_active and not each.is_hidden and each.role in _SAID)
    pieces = [(each, each.text[start:stop]) for each in said for start, stop in cut(each.text, WORDS)]
    day = (to_iso(about.updated_at or about.created_at, session.settings.zone) or "")[:10]
    for each, text in sorted(pieces, key=lambda piece: -matcher.score(piece[1], alike)):
        yield Piece(
            conversation_id=id,
            message_id=each.id,
            title=filed.title or "Untitled",
            date=day,
            said=(Said(text.strip(), each.role),),
        )


def _piece(session: Session, result: Result) -> Piece:
    parts: list[surroundings.Part] = []
    if result.message_id is not None:
        parts = surroundings.read(session.archive, surroundings.Found(result.id, result.message_id, result.place))
    day = (to_iso(result.updated_at or result.created_at, session.settings.zone) or "")[:10]
    return Piece(
        conversation_id=result.id,
        message_id=result.message_id,
        title=result.title or "Untitled",
        date=day,
        said=tuple(Said(part.text, part.role) for part in parts) or (Said(result.snippet),),
    )

"""Finding conversations: every question is an address, which can be kept, sent and gone back to."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlencode

import msgspec
from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import HTMLResponse, Response

from commonplace.archive.access.sessions import Session
from commonplace.archive.core import Archive
from commonplace.archive.search import saved
from commonplace.archive.search.filters import KINDS, Filters
from commonplace.archive.search.search import MOST_OFFSET, Result, SearchResult
from commonplace.archive.verdicts.current import tags_of
from commonplace.errors import Refused
from commonplace.moments import add_months_or_days, from_datetime, parse, to_datetime
from commonplace.web.arriving.meanwhile import ONE_AT_A_TIME, mark
from commonplace.web.errors import Problem
from commonplace.web.pages.rendering import done, fragment, question, render
from commonplace.web.reading import marked
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import Server, server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/conversations")

A_PAGE = 20
A_GROUPED_PAGE = 100
GROUPS = ("date", "topic", "tag", "project")
MARKS = ("\ue000", "\ue001")
FACETS = ("category", "project", "topic", "source", "model", "month", "has")
"""What can be narrowed by a click; `topic` is asked for as a tag."""
SHOWN_FACETS = 12
PARTS = {"found": "found.html", "facets": "facets.html"}
"""Parts of the page that can be asked for alone."""
Group = tuple[str, list[Result]]
Address = Annotated[str, Form(max_length=8_000)]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, as its address has it."""

    q: str = ""
    mode: Literal["words", "meaning", "hybrid"] = "hybrid"
    sort: Literal["best", "newest"] = "best"
    category: str = ""
    project: str = ""
    tag: str = ""
    source: str = ""
    model: str = ""
    language: str = ""
    has: str = ""
    month: str = ""
    since: str = ""
    until: str = ""
    hidden: bool = False
    like: str = ""
    """Those that are near to this conversation instead."""
    group: Literal["", "date", "topic", "tag", "project"] = ""
    page: int = 1

    @property
    def size(self) -> int:
        """How many a page has."""
        return A_GROUPED_PAGE if self.group else A_PAGE

    @property
    def narrowed(self) -> dict[str, str]:
        """What it is narrowed by, to be taken away one by one."""
        names = ("category", "project", "tag", "source", "model", "language", "has", "month", "since", "until")
        return {name: str(getattr(self, name)) for name in names if getattr(self, name)}

    def query(self, **changed: Any) -> dict[str, Any]:
        """The address of this, some of it changed; back on the first page."""
        plain = {"page": 1, **changed}
        told = {**msgspec.structs.asdict(self), **plain}
        return {name: value for name, value in told.items() if value != _USUAL[name]}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A value that the question can be narrowed to."""

    value: str
    count: int
    address: str
    is_chosen: bool


_USUAL = msgspec.structs.asdict(Asked())


def _asked(
    q: Annotated[str, Query(max_length=2000)] = "",
    mode: Literal["words", "meaning", "hybrid"] = "hybrid",
    sort: Literal["best", "newest"] = "best",
    category: Annotated[str, Query(max_length=400)] = "",
    project: Annotated[str, Query(max_length=400)] = "",
    tag: Annotated[str, Query(max_length=400)] = "",
    source: Annotated[str, Query(max_length=80)] = "",
    model: Annotated[str, Query(max_length=200)] = "",
    language: Annotated[str, Query(max_length=20)] = "",
    has: Annotated[str, Query(max_length=20)] = "",
    month: Annotated[str, Query(max_length=10)] = "",
    since: Annotated[str, Query(max_length=30)] = "",
    until: Annotated[str, Query(max_length=30)] = "",
    hidden: bool = False,
    like: Annotated[str, Query(max_length=300)] = "",
    group: Literal["", "date", "topic", "tag", "project"] = "",
    page: Annotated[int, Query(ge=1, le=MOST_OFFSET // A_PAGE)] = 1,
) -> Asked:
    return Asked(**locals())


@router.get("")
def list_page(request: Request, session: Person, asked: Annotated[Asked, Depends(_asked)]) -> Response:
    """A page of what was found; the list alone, or what stands beside it, for a script while somebody types."""
    return _list(request, session, asked, part=PARTS.get(request.headers.get("x-part", "")))


def _list(
    request: Request, session: Session, asked: Asked, *, part: str | None = None, not_saved: str = "", name: str = ""
) -> Response:
    server = server_of(request)
    found, problem, groups = None, "", list[Group]()
    if asked == Asked():
        server.readers.of(session.owner).searcher.get_ready()
    try:
        found = _found(server, session.owner, asked, facets=part != PARTS["found"])
        groups = [("", found.results)]
        groups = _groups(server, session.owner, found, asked)
    except Refused as refused:
        problem = str(refused)
    values: dict[str, Any] = {
        "asked": asked,
        "found": found,
        "problem": problem,
        "facets": _facets(found, asked) if found else [],
        "snippet": lambda text: marked(" ".join(text.split()), MARKS),
        "pages": _pages(found, asked) if found else (0, None, None),
        "groups": groups,
    }
    if part:
        return HTMLResponse(fragment(request, part, **values))
    kept = saved.saved(server.archive.of(session.owner))
    values |= {"saved": kept, "seen": _seen(kept), "not_saved": not_saved, "name": name}
    return render(
        request, "conversations.html", status=400 if not_saved else 200, kinds=KINDS, group_names=GROUPS, **values
    )


@router.post("/saved", dependencies=[Guarded])
def save(
    request: Request, session: Person, name: Typed, query: Address = "", answer: Typed = "save", seen: Address = ""
) -> Response:
    """Keep a question under a name, or keep it no longer. One that somebody else has kept under it since stays."""
    archive, told = archive_of(request, session.owner), parse_qs(query)
    plain, is_dropped = urlencode(told, doseq=True), answer == "drop"
    try:
        with ONE_AT_A_TIME:
            there = saved.saved(archive).get(saved.plain_name(name), plain)
            if seen and there != plain and mark(saved.plain_name(name), there) not in seen.split():
                raise Refused(say("found.saved_meanwhile"))
            saved.drop(archive, name) if is_dropped else saved.save(archive, name, plain)
    except Refused as refused:
        return _list(request, session, asked_of(told), not_saved=str(refused), name=name)
    return done(f"/conversations?{plain}", "removed" if is_dropped else "noted")


def _seen(kept: dict[str, str]) -> str:
    """A mark of each search that is kept, and of nothing where none is."""
    return " ".join([mark(), *(mark(name, query) for name, query in kept.items())])


def asked_of(told: dict[str, list[str]]) -> Asked:
    """What an address asks for, from the beginning."""
    plain = {name: values[-1] for name, values in told.items() if name != "page"}
    try:
        return msgspec.convert(plain, Asked, strict=False)
    except msgspec.ValidationError:
        raise Problem(422, "invalid", "That is no question of ours.") from None


def _found(server: Server, owner: str, asked: Asked, *, facets: bool) -> SearchResult:
    searcher = server.readers.of(owner).searcher
    here: dict[str, Any] = {
        "filters": _filters(server, asked),
        "limit": asked.size,
        "offset": (asked.page - 1) * asked.size,
        "marks": MARKS,
    }
    if asked.like:
        return searcher.similar(asked.like, **here)
    return searcher.search(asked.q, mode=asked.mode, newest_first=asked.sort == "newest", facets=facets, **here)


def found_ids(server: Server, owner: str, asked: Asked, *, most: int) -> list[str]:
    """All that was found, in its order, as far as they can be gone through."""
    searcher = server.readers.of(owner).searcher
    here: dict[str, Any] = {"filters": _filters(server, asked), "limit": most, "offset": 0}
    if asked.like:
        return [one.id for one in searcher.similar(asked.like, **here).results]
    found = searcher.search(asked.q, mode=asked.mode, newest_first=asked.sort == "newest", facets=False, **here)
    return [one.id for one in found.results]


def _groups(server: Server, owner: str, found: SearchResult, asked: Asked) -> list[Group]:
    """What is on the page by month, by what it is about, by its first tag, or by project, in the order in which each
    comes first. Refused where nobody knows what it is about."""
    ids, archive = [one.id for one in found.results], server.archive.of(owner)
    tags = tags_of(archive, ids) if asked.group == "tag" else {}
    topics = _topics(archive, ids) if asked.group == "topic" and ids else {}
    grouped: dict[str, list[Result]] = {}
    for one in found.results:
        at = one.updated_at or one.created_at
        heading = {
            "date": to_datetime(at, server.settings.zone).strftime("%Y-%m") if at is not None else "",
            "topic": topics.get(one.id, ""),
            "tag": next(iter(tags.get(one.id, [])), ""),
            "project": one.project or "",
        }.get(asked.group, "")
        grouped.setdefault(heading, []).append(one)
    return sorted(grouped.items(), key=lambda group: not group[0])  # those in none come last


def _topics(archive: Archive, ids: list[str]) -> dict[str, str]:
    from commonplace.stages.topics import topics_among

    return topics_among(archive, ids)


def _filters(server: Server, asked: Asked) -> Filters:
    since, until = _bounds(server, asked)
    return Filters(
        since=since,
        until=until,
        category=asked.category or None,
        project=asked.project or None,
        source=asked.source or None,
        model=asked.model or None,
        tag=asked.tag or None,
        language=asked.language or None,
        has=asked.has or None,
        include_hidden=asked.hidden,
    )


def _bounds(server: Server, asked: Asked) -> tuple[int | None, int | None]:
    zone = server.settings.zone
    if asked.month:
        first = parse(f"{asked.month}-01", zone)
        return first, from_datetime(add_months_or_days(to_datetime(first, zone), 1, "month"))
    return tuple(parse(text, zone) if text else None for text in (asked.since, asked.until))  # type: ignore[return-value]


def _facets(found: SearchResult, asked: Asked) -> list[tuple[str, list[Choice]]]:
    """By name, with the values that most have; months the newest first."""
    told = []
    for name in FACETS:
        values, field = found.facets.get(name, []), "tag" if name == "topic" else name
        if len(values) > 1 or (values and getattr(asked, field)):
            some = list(reversed(values)) if name == "month" else values
            told.append((name, _choices(asked, field, some[:SHOWN_FACETS])))
    return told


def _choices(asked: Asked, field: str, values: list[Any]) -> list[Choice]:
    """Each with the address of what is asked for and has it; chosen already, of what need not have it."""
    chosen, others = getattr(asked, field), question(asked.query(**{field: ""}))
    return [
        Choice(
            value=one.value,
            count=one.count,
            address=others if one.value == chosen else f"{others}{'&' if others else ''}{question({field: one.value})}",
            is_chosen=one.value == chosen,
        )
        for one in values
    ]


def _pages(found: SearchResult, asked: Asked) -> tuple[int, int | None, int | None]:
    """How many there are, the one before this, and the one after it."""
    last = min(-(-found.total // asked.size), MOST_OFFSET // asked.size)
    has_next = len(found.results) == asked.size and asked.page < last
    return last, asked.page - 1 if asked.page > 1 else None, asked.page + 1 if has_next else None

"""One word for many conversations: those that were ticked, or all that were found. What it will do is told first."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, urlencode

import msgspec
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.projects import registry
from commonplace.errors import Refused
from commonplace.stages.categorizing.reviewing import correct_conversations, own_name
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.web.errors import Problem
from commonplace.web.pages.conversations import Asked, found_ids
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/several")

MOST = 900
"""So many are changed at once; each is a word of its own in the archive."""
SHOWN = 20
Ids = Annotated[list[str], Form(max_length=MOST)]
Query = Annotated[str, Form(max_length=8_000)]


@router.post("", dependencies=[Guarded])
def choose(request: Request, session: Person, id: Ids = [], query: Query = "", everything: Typed = "") -> Response:  # noqa: B006
    """What can be said of them, and of whom it will be said."""
    ids = _all(request, session.owner, query) if everything else list(dict.fromkeys(id))
    return _page(request, session.owner, ids, query=query, problem="" if ids else say("several.none"))


@router.post("/keep", dependencies=[Guarded])
def keep(
    request: Request,
    session: Person,
    id: Ids = [],  # noqa: B006
    query: Query = "",
    category: Typed = "",
    project: Typed = "",
) -> Response:
    """Say it: of each of them, as if one had gone from page to page."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    taxonomy = server_of(request).settings.categorize.taxonomy
    try:
        if not id or not (category or project.strip()):
            raise Refused(say("several.none"))
        if category:
            own = own_name(archive, taxonomy, category)
            correct_conversations(archive, id, taxonomy=taxonomy, origin="web", category=own)
        if project.strip():
            projects.assign(archive, project.strip(), id, new=True)
    except Refused as refused:
        return _page(request, session.owner, id, query=query, problem=str(refused))
    return done(f"/conversations?{_plain(query)}", "kept")


def _all(request: Request, owner: str, query: str) -> list[str]:
    told = {name: values[-1] for name, values in parse_qs(query).items() if name != "page"}
    try:
        asked = msgspec.convert(told, Asked, strict=False)
    except msgspec.ValidationError:
        raise Problem(422, "invalid", "That is no question of ours.") from None
    return found_ids(server_of(request), owner, asked, most=MOST)


def _plain(query: str) -> str:
    """The query of the page that one came from, made anew."""
    return urlencode(parse_qs(query), doseq=True)


def _page(request: Request, owner: str, ids: list[str], *, query: str, problem: str = "") -> Response:
    archive = archive_of(request, owner)
    taxonomy = server_of(request).settings.categorize.taxonomy
    return render(
        request,
        "several.html",
        status=400 if problem else 200,
        problem=problem,
        ids=ids,
        shown=list(load_filed(archive, ids[:SHOWN])),
        query=_plain(query),
        categories=taxonomy_named(archive, taxonomy).names,
        projects=registry.sorted_names(archive),
        most=MOST,
    )

"""What a project's assistant searches at OpenAI: how it stands, what it would cost, filling it and taking it away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from commonplace.archive.projects.lookup import find_project
from commonplace.errors import CommonplaceError
from commonplace.openai.client import account_of
from commonplace.session import Session
from commonplace.stages.stores import filling, standing
from commonplace.stages.stores.known import store_of
from commonplace.web.pages.rendering import done, render
from commonplace.web.pages.runs import ask_for
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person
from commonplace.web.server import server_of

router = APIRouter(prefix="/projects")


@router.get("/{id}/store")
def page(request: Request, session: Person, id: str, look: bool = False) -> Response:
    """As far as it is known here; OpenAI is asked when one wants to `look`."""
    return _page(request, session, id, look=look)


@router.post("/{id}/store", dependencies=[Guarded])
def fill(request: Request, session: Person, id: str, answer: Typed = "") -> Response:
    """Ask for a run that fills it, or takes it away."""
    try:
        settings, environment, archive = _session(request, session)
        project = find_project(archive, id)
        asked = {"project": project.id} | ({"remove": True} if answer == "remove" else {})
        account_of(settings, environment).check()
        started = ask_for(request, session, "fill-store", asked)
    except CommonplaceError as error:
        return _page(request, session, id, problem=str(error))
    return done(f"/runs/{started.id}")


def _session(request: Request, person: Person) -> Session:
    return server_of(request).readers.of(person.owner).borrowing()


def _page(request: Request, person: Person, id: str, *, look: bool = False, problem: str = "") -> Response:
    session = _session(request, person)
    planned = filling.plan(session, id)
    held: Any = None
    try:
        if known := store_of(session, planned.project_id):
            held = next(one for one in standing.standings(session, look=look) if one.store == known.store_id)
    except CommonplaceError as error:
        problem = problem or str(error)
    return render(
        request,
        "store.html",
        status=400 if problem else 200,
        problem=problem,
        held=held,
        planned=planned,
        most=session.settings.answers.store_max_cost,
        has_key=bool(session.environment.get("OPENAI_API_KEY") or session.environment.get("OPENAI_BASE_URL")),
        look=look,
    )

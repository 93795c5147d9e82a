"""Where conversations are written: what waits and why, what went wrong and what can be done about it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from commonplace.archive.access.sessions import Session
from commonplace.archive.conversations.reading import Filed, load_filed
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations import registry
from commonplace.errors import CommonplaceError
from commonplace.model import LedgerEntry
from commonplace.session import Session as Reading
from commonplace.stages.syncing import destinations
from commonplace.web.pages.rendering import done, render
from commonplace.web.pages.runs import ask_for
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.people import Person
from commonplace.web.server import server_of

router = APIRouter(prefix="/destinations")

MOST_SHOWN = 100
Name = Annotated[str, Form(max_length=200)]
Ids = Annotated[list[str], Form(max_length=500)]


class Wrong(msgspec.Struct, frozen=True):
    """What needs a word: how it is here, and what is known of how it is there."""

    id: str
    entry: LedgerEntry
    here: Filed | None
    there: dict[str, str] = {}
    """By field, where a person wrote something else."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One destination as it stands."""

    name: str
    called: str
    kind: str
    location: str
    is_fixed: bool
    """Whether the settings name it."""
    problem: str = ""
    """Why nothing can be written there yet."""
    counts: dict[str, int] = {}
    wrong: list[Wrong] = []
    """What failed, may have arrived, or was changed there."""


@router.get("")
def page(request: Request, session: Person, plan: Annotated[str, Query(max_length=200)] = "") -> Response:
    """All of them; of the one that `plan` names also what a run would write."""
    return _page(request, session, plan=plan)


@router.post("/run", dependencies=[Guarded])
def run(
    request: Request,
    session: Person,
    name: Name,
    retry: Name = "",
    resend: Ids = [],  # noqa: B006
    accept: Ids = [],  # noqa: B006
) -> Response:
    """Write now; or try again what failed, send again what may not have arrived, or take it as arrived. That is kept at
    once: of two who say it, the second is told."""
    asked: dict[str, Any] = {"destination": name, **({"retry_failed": True} if retry else {})}
    try:
        if resend or accept:
            reading = server_of(request).session_of(session.owner)
            destinations.decide(*reading, name, resend=resend, accept=accept)
        started = ask_for(request, session, "sync", asked)
    except CommonplaceError as error:
        return _page(request, session, problem=str(error))
    return done(f"/runs/{started.id}")


def _page(request: Request, session: Session, *, plan: str = "", problem: str = "") -> Response:
    reading = server_of(request).session_of(session.owner)
    planned: Any = None
    if plan:
        from commonplace.stages.syncing import stage

        try:
            planned = stage.preview(reading, plan)
        except CommonplaceError as error:
            problem = str(error)
    names = destinations.names(reading.settings, reading.archive)
    return render(
        request,
        "destinations.html",
        status=400 if problem else 200,
        places=[_place(reading, name) for name in names],
        others=[(name, registry.kind_named(name)) for name in registry.kinds() if name not in names],
        planned=planned,
        plan=plan,
        problem=problem,
        most=MOST_SHOWN,
    )


def _place(reading: Reading, name: str) -> Place:
    settings, environment, archive = reading
    about: dict[str, Any] = {
        "name": name,
        "called": name,
        "kind": name,
        "location": "",
        "is_fixed": name in settings.destinations,
    }
    try:
        about["kind"] = destinations.sections(settings, name)[0]
        if about["kind"] == name:
            about["called"] = registry.kind_named(name).title
        about["location"] = destinations.location_of(settings, environment, archive, name) or ""
        with destinations.open_destination(settings, environment, archive, name) as (destination, _):
            known = ArchiveLedger(archive, destination.instance)
    except CommonplaceError as error:
        return Place(**about, problem=str(error))
    found = known.in_state("failed", "uncertain", "conflict")
    some = list(islice(found, MOST_SHOWN))
    filed = {one.conversation.id: one for one in load_filed(archive, [id for id, _ in some])}
    wrong = [Wrong(id, entry, filed.get(id), _there(entry)) for id, entry in some]
    return Place(**about, counts={str(state): number for state, number in known.counts().items()}, wrong=wrong)


def _there(entry: LedgerEntry) -> dict[str, str]:
    """What a person wrote there that was not taken over, as far as the ledger knows it."""
    refused = entry.detail.get("refused") or {}
    told = {name: value for name, value in refused.items() if isinstance(value, str | list)}
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in told.items()}

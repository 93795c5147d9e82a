"""Setting a destination up: what it needs, its check, and the questions it has, each on a page.

A secret is kept once the other side took it, or has a question; it is shown on no page, and a form never holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace import runs, whose
from commonplace.archive.access.sessions import Session
from commonplace.config.files import dotenv_of, keep_typed
from commonplace.destinations import registry
from commonplace.destinations.kind import Choice, Given, Kind
from commonplace.environment import Place
from commonplace.errors import CommonplaceError, Refused
from commonplace.outgoing import is_sendable
from commonplace.session import Session as Reading
from commonplace.stack.history import NoHistory, api_of
from commonplace.stages.syncing import connecting, destinations
from commonplace.web.arriving.meanwhile import mark
from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/destinations")

HURRY = {"timeout_seconds": 15.0, "max_wait_seconds": 5.0}
"""Somebody waits for the page: what does not answer soon is told so."""
Several = Annotated[list[Annotated[str, Form(max_length=1000)]], Form(max_length=20)]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is asked for."""

    given: Given
    value: str = ""
    """What is there now; of a secret nothing but that it is."""
    is_there: bool = False
    place: str = ""
    """Where it was set so that a page cannot change it."""
    trace: str = ""
    """What tells a secret from another. No page shows it."""


class Question(Exception):
    """The other side wants to know something before it goes on."""

    def __init__(self, text: str, choices: list[Choice] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.choices = choices


class _Person:
    """Whoever sent the form: what is not answered there is asked on the next page."""

    def __init__(self, answer: str, agreed: list[str]) -> None:
        self._answer, self._agreed = answer, agreed

    def answer(self, question: str, *, is_secret: bool = False, choices: Callable[[], list[Choice]] = list) -> str:
        if is_secret or self._answer:
            return "" if is_secret else self._answer
        raise Question(question, choices())

    def agrees(self, question: str) -> bool:
        if mark(question) in self._agreed:
            return True
        raise Question(question)


@router.get("/set-up/{name}")
def page(request: Request, session: Person, name: str) -> Response:
    """What a destination needs, and what of it is there."""
    return _page(request, session, name)


@router.post("/set-up/{name}", dependencies=[Guarded])
def connect(
    request: Request,
    session: Person,
    name: str,
    key: Several = [],  # noqa: B006
    where: Several = [],  # noqa: B006
    answer: Typed = "",
    typed: Typed = "",
    agreed: Several = [],  # noqa: B006
    anew: Annotated[bool, Form()] = False,
    seen: Typed = "",
) -> Response:
    """Check what was typed with the other side, prepare it, and keep it; or ask what it wants to know. What somebody
    else has set meanwhile is shown before it is replaced."""
    reading = server_of(request).session_of(session.owner)
    secrets: dict[str, str] = {}
    answer = typed.strip() or answer.strip()
    shown: dict[str, Any] = {"where": where, "answer": answer, "agreed": agreed, "anew": anew}
    try:
        fields = _fields(reading, name, _kind(reading, name))
        if seen and seen != _seen(request, fields):
            there = " · ".join(field.value for field in fields if field.value)
            raise Refused(say("set_up.changed", now=there or say("set_up.there")))
        open_to = [field for field in fields if not field.place]
        secrets = _typed([field for field in open_to if field.given.is_secret], key)
        places = [field.given.setting for field in open_to if not field.given.is_secret]
        chosen = {setting: text.strip() for setting, text in zip(places, where, strict=False) if text.strip()}
        connected = _connect(reading, name, secrets, chosen, _Person(answer, agreed), is_anew=anew)
    except Question as asked:
        _keep(reading, secrets)
        return _page(request, session, name, asked=asked, **shown)
    except CommonplaceError as error:
        return _page(request, session, name, problem=str(error), **shown)
    _keep(reading, secrets | connected.typed)
    destinations.follow(reading.settings, reading.archive, name, is_on=True)
    return _page(request, session, name, told=connected.told, problem=_save_block(reading, connected))


@router.post("/leave", dependencies=[Guarded])
def leave(request: Request, session: Person, name: Typed) -> Response:
    """Write there no more. What is there stays, and so does what is known of it."""
    reading = server_of(request).session_of(session.owner)
    _kind(reading, name)
    destinations.follow(reading.settings, reading.archive, name, is_on=False)
    return done("/destinations", "left")


def _page(
    request: Request,
    session: Session,
    name: str,
    *,
    problem: str = "",
    where: Sequence[str] = (),
    told: Any = None,
    **shown: Any,
) -> Response:
    reading = server_of(request).session_of(session.owner)
    kind = _kind(reading, name)
    fields = _fields(reading, name, kind)
    given: dict[str, Any] = {"asked": None, "answer": "", "agreed": [], "anew": False}
    return render(
        request,
        "set_up.html",
        status=400 if problem else 200,
        name=name,
        called=kind.title if name in registry.kinds() else name,
        kind=kind,
        of_kind=destinations.sections(reading.settings, name)[0],
        fields=_with_typed(fields, where),
        seen=_seen(request, fields),
        where=where,
        told=told,
        may_move=bool(destinations.kept(reading.archive, name)) and not any(given.is_asked for given in kind.given),
        problem=problem,
        is_another=whose.is_another(reading),
        mark=mark,
        **given | shown,
    )


def _kind(reading: Reading, name: str) -> Kind:
    if not destinations.is_known(reading.settings, name):
        raise not_found("destination")
    return registry.kind_named(destinations.sections(reading.settings, name)[0])


def _fields(reading: Reading, name: str, kind: Kind) -> list[Field]:
    """What is asked for. Which folder of this machine, or which address, is for the server's owner to say."""
    section = destinations.sections(reading.settings, name)[1]
    known = destinations.kept(reading.archive, name)
    offered = dict(kind.defaults(destinations.surroundings(reading.settings))) | known
    may_say_where = not whose.is_another(reading)
    asked = [
        given for given in kind.given if not given.is_made and (given.is_secret or (given.is_asked and may_say_where))
    ]
    return [_field(reading, section, offered, given) for given in asked]


def _seen(request: Request, fields: list[Field]) -> str:
    """A mark of what is there, by which nobody can try what a secret may be."""
    return server_of(request).keys.derive("set-up", mark(*[(field.value, field.trace) for field in fields]))


def _with_typed(fields: list[Field], where: Sequence[str]) -> list[Field]:
    """What was typed stays in the form; secrets do not."""
    texts = iter(where)
    return [
        field
        if field.place or field.given.is_secret
        else msgspec.structs.replace(field, value=next(texts, field.value))
        for field in fields
    ]


def _field(reading: Reading, section: Mapping[str, Any], offered: Mapping[str, Any], given: Given) -> Field:
    settings, environment, _ = reading
    value, place = section.get(given.setting), str(settings.config_file or "")
    if not value and (value := environment.get(*given.variables)):
        place = environment.place_of(*given.variables) or ""
        if place == str(dotenv_of(settings.home)) and given.is_secret:
            place = ""
    elif not value:
        value, place = offered.get(given.setting) or given.suggestion, ""
    if given.is_secret:
        return Field(given=given, is_there=bool(value), place=place, trace=mark(value))
    return Field(given=given, value=str(value or ""), is_there=bool(value), place=place)


def _typed(fields: list[Field], keys: list[str]) -> dict[str, str]:
    """The secrets that were typed, by their variables. Refused where one is missing or none."""
    found = {}
    for field, text in zip(fields, [*keys, *[""] * len(fields)], strict=False):
        typed = text.strip()
        if typed and not is_sendable(typed):
            raise Refused(say("set_up.no_key", what=field.given.about))
        if not typed and not field.is_there:
            raise Refused(say("set_up.missing", what=field.given.about))
        if typed:
            found[field.given.variables[0]] = typed
    return found


def _connect(
    reading: Reading, name: str, secrets: dict[str, str], chosen: dict[str, str], person: _Person, *, is_anew: bool
) -> connecting.Connected:
    settings, environment, archive = reading
    kind = registry.kind_named(destinations.sections(settings, name)[0])
    own = {given.setting for given in kind.given}
    hurry = {key: value for key, value in HURRY.items() if key in kind.settings.__struct_fields__ and key not in own}
    environment = environment.under(Place("what was typed", secrets))
    return connecting.connect(settings, environment, archive, name, person, hurry | chosen, is_anew=is_anew)


def _keep(reading: Reading, secrets: dict[str, str]) -> None:
    """Beside the settings, or in the home of who has none, where runs find them, and for the pages of this server."""
    if secrets:
        home = reading.settings.home
        keep_typed(home, reading.environment.addresses_of(secrets) | secrets)
        reading.environment.learn(str(dotenv_of(home)), secrets)


def _save_block(reading: Reading, connected: connecting.Connected) -> str:
    """Kept with Prefect too, for workers elsewhere, if it is the server owner's; what went wrong with that."""
    if whose.is_another(reading):
        return ""
    try:
        api_of(reading.settings)
        runs.connect(reading.settings)
        runs.save_block(connected.kind, connected.fields)
    except NoHistory:  # no Prefect, no workers elsewhere
        return ""
    except CommonplaceError as error:
        return say("set_up.no_block", why=str(error))
    return ""

"""Where a person decides: who asks for what, and where the answer goes. Nothing is given without their yes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Form, Request
from itsdangerous import BadSignature
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from commonplace.archive.access import clients, grants, users
from commonplace.archive.access.clients import Client
from commonplace.archive.access.scopes import MEANINGS
from commonplace.archive.core import Archive
from commonplace.web.errors import Problem
from commonplace.web.oauth import authorization, redirects
from commonplace.web.oauth.authorization import Asked
from commonplace.web.oauth.errors import OAuthError
from commonplace.web.oauth.parameters import in_query
from commonplace.web.pages.rendering import render
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.headers import content_security_policy
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import Server, server_of

router = APIRouter()

MINUTES = 10
"""How long the question may stay open."""


@router.get("/oauth/authorize")
@router.get("/chatgpt/oauth/authorize")
async def authorize(request: Request, session: Person) -> Response:
    """The question, unless it was answered for good before."""
    server = server_of(request)
    try:
        parameters = in_query(request)
    except OAuthError as error:
        raise Problem(400, error.code, error.message) from None
    client = await authorization.client_of(server, parameters)
    redirect_uri = authorization.redirect_of(client, parameters)
    try:
        asked = authorization.read(server, client, redirect_uri, parameters)
    except OAuthError as error:
        told = {"error": error.code, "error_description": error.message}
        return _back(server, redirect_uri, parameters.get("state"), **told)
    archive = archive_of(request, session.owner)
    if await run_in_threadpool(_is_answered, archive, client, asked):
        return await run_in_threadpool(_give, server, archive, client, asked, True)
    return await run_in_threadpool(_question, request, session.owner, client, asked)


@router.post("/oauth/consent", dependencies=[Guarded])
def consent(
    request: Request,
    session: Person,
    asked: Annotated[str, Form(max_length=20_000)] = "",
    answer: Annotated[str, Form(max_length=10)] = "",
    remember: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """The answer, told to the program at its address."""
    server, archive = server_of(request), archive_of(request, session.owner)
    question = _opened(server, session.owner, asked)
    if answer != "yes":
        told = {"error": "access_denied", "error_description": "The person said no."}
        return _back(server, question.redirect_uri, question.state, **told)
    client = clients.find_client(archive, question.client_id)
    if client is None or not _may_still_ask(archive, client, question.redirect_uri):
        raise Problem(400, "invalid_client", "This program is not known here any more.")
    return _give(server, archive, client, question, remember == "yes" and _can_be_remembered(question))


def _question(request: Request, owner: str, client: Client, asked: Asked) -> Response:
    server = server_of(request)
    user = users.user_of(server.archive, owner)
    page = render(
        request,
        "consent.html",
        client=client,
        asked=server.keys.signer("consent").dumps([owner, msgspec.to_builtins(asked)]),
        name=user.name if user else owner,
        scopes=[MEANINGS[scope] for scope in asked.scopes.split()],
        where=redirects.origin(asked.redirect_uri),
        is_here=redirects.is_loopback(asked.redirect_uri),
        is_learned=client.learns_its_redirect,
        redirect_uri=asked.redirect_uri,
        can_be_remembered=_can_be_remembered(asked),
    )
    forms_to = [redirects.origin(asked.redirect_uri)]
    page.headers["content-security-policy"] = content_security_policy(forms_to=forms_to)
    return page


def _opened(server: Server, owner: str, sent: str) -> Asked:
    """The question that a form answers, if this person was asked it a moment ago."""
    try:
        whose, told = server.keys.signer("consent").loads(sent, max_age=MINUTES * 60)
    except BadSignature:
        whose, told = None, None
    if whose != owner:
        raise Problem(400, "stale_form", "This question is too old.", hint="Connect the program again.")
    return msgspec.convert(told, Asked)


def _may_still_ask(archive: Archive, client: Client, uri: str) -> bool:
    if client.learns_its_redirect and clients.learn_redirects(archive, client, redirects.pair_of_gpt(uri)):
        return True
    known = clients.find_client(archive, client.id)
    return known is not None and redirects.is_registered(known, uri)


def _is_answered(archive: Archive, client: Client, asked: Asked) -> bool:
    return _can_be_remembered(asked) and grants.is_remembered(archive, client, asked.scopes, asked.resources)


def _can_be_remembered(asked: Asked) -> bool:
    """Not for what listens on the person's machine: any program there could say that it is this one."""
    return not redirects.is_loopback(asked.redirect_uri)


def _give(server: Server, archive: Archive, client: Client, asked: Asked, is_remembered: bool) -> Response:
    code = grants.give(
        archive,
        client,
        asked.scopes,
        asked.resources,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        is_remembered=is_remembered,
    )
    return _back(server, asked.redirect_uri, asked.state, code=code)


def _back(server: Server, redirect_uri: str, state: str | None, **told: str) -> Response:
    """To the program, by GET: 303 leaves nothing of a form behind."""
    where = redirects.with_parameters(redirect_uri, **told, state=state, iss=server.web.base_url)
    return RedirectResponse(where, 303)

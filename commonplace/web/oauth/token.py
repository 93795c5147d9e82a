"""What programs ask without a person: tokens, their end, and what a token says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from commonplace.archive.access import clients, tokens
from commonplace.archive.access.clients import Client
from commonplace.archive.access.tokens import Issued, NotGood, Token, TooMuch
from commonplace.web.oauth.errors import InvalidClient, OAuthError
from commonplace.web.oauth.parameters import Parameters, in_form
from commonplace.web.oauth.proofs import proven_client
from commonplace.web.oauth.resources import paths_of, resource
from commonplace.web.security.uses import note_use
from commonplace.web.server import Server, server_of

router = APIRouter()

Answer = Callable[[Server, Client, Parameters], Response]


@router.post("/oauth/token")
@router.post("/chatgpt/oauth/token")
async def token(request: Request) -> Response:
    """Tokens for a code, or for an older token."""
    return await _answered(request, _token)


@router.post("/oauth/revoke")
@router.post("/chatgpt/oauth/revoke")
async def revoke(request: Request) -> Response:
    """The end of a token, and of all that was given with it (RFC 7009)."""
    return await _answered(request, _revoke)


@router.post("/oauth/introspect")
async def introspect(request: Request) -> Response:
    """What a token of this client's says (RFC 7662)."""
    return await _answered(request, _introspect)


async def _answered(request: Request, answer: Answer) -> Response:
    server = server_of(request)
    try:
        form = await in_form(request)
        client = await proven_client(server, request, form)
        return await run_in_threadpool(answer, server, client, form)
    except OAuthError as error:
        return error.reply()


def _token(server: Server, client: Client, form: Parameters) -> Response:
    kind = form.need("grant_type")
    exchange = _EXCHANGES.get(kind)
    if exchange is None:
        raise OAuthError("unsupported_grant_type", "There are: authorization_code, refresh_token.")
    try:
        issued = exchange(server, client, form)
    except NotGood as error:
        raise OAuthError("invalid_grant", error.message) from None
    except TooMuch as error:
        raise OAuthError(error.code, error.message) from None
    note_use(server.archive, clients.note_use, client)
    told = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.ACCESS_SECONDS,
        "refresh_token": issued.refresh_token,
        "scope": issued.scopes,
    }
    return JSONResponse(told, headers={"pragma": "no-cache"})


def _by_code(server: Server, client: Client, form: Parameters) -> Issued:
    return tokens.exchange_code(
        server.archive,
        form.need("code"),
        client_id=client.id,
        redirect_uri=form.get("redirect_uri"),
        verifier=form.get("code_verifier"),
        resources=paths_of(server, form.resources),
    )


def _by_refresh(server: Server, client: Client, form: Parameters) -> Issued:
    return tokens.refresh(
        server.archive,
        form.need("refresh_token"),
        server.keys.derive,
        client_id=client.id,
        grace_seconds=server.settings.server.refresh_grace_seconds,
        scopes=(form.get("scope") or "").split(),
        resources=paths_of(server, form.resources),
    )


_EXCHANGES: dict[str, Callable[[Server, Client, Parameters], Issued]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh,
}


def _revoke(server: Server, client: Client, form: Parameters) -> Response:
    tokens.end(server.archive, form.need("token"), client_id=client.id)
    return Response(status_code=200)


def _introspect(server: Server, client: Client, form: Parameters) -> Response:
    if client.is_public:
        raise InvalidClient("Only clients with a secret may ask that.")
    found = tokens.find_token(server.archive, form.need("token"))
    is_theirs = found is not None and found.client_id == client.id
    return JSONResponse(_said(server, found) if found and is_theirs else {"active": False})


def _said(server: Server, found: Token) -> dict[str, Any]:
    return {
        "active": True,
        "scope": found.scopes,
        "client_id": found.client_id,
        "sub": found.owner,
        "aud": [resource(server, path) for path in found.resources.split()],
        "iss": server.web.base_url,
        "iat": found.issued_at // 1_000_000,
        "exp": found.expires_at // 1_000_000,
        "token_type": "Bearer" if found.kind == "access" else "refresh_token",
    }

"""Programs that register themselves (RFC 7591): off unless the settings say otherwise, few, and kept once in use."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from commonplace.archive.access import clients
from commonplace.archive.access.clients import UNUSED_DAYS, Client
from commonplace.archive.access.credentials import CLIENT_SECRET, digest, new
from commonplace.archive.access.scopes import joined
from commonplace.moments import DAY, now
from commonplace.web.oauth.errors import OAuthError
from commonplace.web.oauth.metadata import WITH_SECRET
from commonplace.web.oauth.names import shown_name
from commonplace.web.oauth.redirects import is_acceptable
from commonplace.web.oauth.resources import BOTH, offered_scopes
from commonplace.web.server import Server, server_of

router = APIRouter()

MOST_REDIRECTS = 10


class Registration(msgspec.Struct):
    """As much of it as counts."""

    redirect_uris: list[str]
    client_name: str = ""
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105  (a method, no secret)
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: str = ""


@router.post("/register")  # where programs ask that find no address for it in the metadata
@router.post("/oauth/register")
async def register(request: Request) -> Response:
    """A new client, told its id, and its secret if it wants one."""
    server = server_of(request)
    try:
        if not server.settings.server.allow_registration:
            raise OAuthError(
                "access_denied", "Registration is off here. The owner can set allow_registration under [server]."
            )
        told = _read(await request.body())
        return JSONResponse(await run_in_threadpool(_registered, server, told), 201, {"pragma": "no-cache"})
    except OAuthError as error:
        return error.reply()


def _read(body: bytes) -> Registration:
    try:
        told = msgspec.json.decode(body, type=Registration)
    except (msgspec.DecodeError, RecursionError):
        raise OAuthError("invalid_client_metadata", "The body has to be an object with redirect_uris.") from None
    if not 0 < len(told.redirect_uris) <= MOST_REDIRECTS or not all(map(is_acceptable, told.redirect_uris)):
        raise OAuthError("invalid_redirect_uri", "redirect_uris are https, or http on the person's own machine.")
    if told.token_endpoint_auth_method not in {"none", *WITH_SECRET}:
        raise OAuthError("invalid_client_metadata", f"token_endpoint_auth_method is none, {' or '.join(WITH_SECRET)}.")
    if "authorization_code" not in told.grant_types or told.response_types != ("code",):
        raise OAuthError("invalid_client_metadata", "Only authorization codes are given.")
    return told


def _registered(server: Server, told: Registration) -> dict[str, Any]:
    if not clients.has_room(server.archive):
        raise OAuthError("invalid_client_metadata", "Too many programs have registered here.")
    secret = None if told.token_endpoint_auth_method == "none" else new(CLIENT_SECRET)  # noqa: S105
    offered, moment = offered_scopes(server), now()
    asked = [scope for scope in told.scope.split() if scope in offered]
    client = Client(
        id=f"registered-{secrets.token_hex(12)}",
        name=shown_name(told.client_name),
        kind="registered",
        secret_hash=digest(secret) if secret else None,
        redirect_uris=tuple(told.redirect_uris),
        scopes=joined(asked or offered),
        resources=BOTH,
        created_at=moment,
        expires_at=moment + UNUSED_DAYS * DAY,
    )
    clients.store_client(server.archive, client)
    reply = {
        "client_id": client.id,
        "client_id_issued_at": moment // 1_000_000,
        "client_name": client.name,
        "redirect_uris": told.redirect_uris,
        "token_endpoint_auth_method": told.token_endpoint_auth_method,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": client.scopes,
    }
    return reply | ({"client_secret": secret, "client_secret_expires_at": 0} if secret else {})

"""Programs prove who they are: by Basic, or by fields of the form, and never by both."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from commonplace.archive.access.clients import Client, find_client
from commonplace.web.oauth.errors import InvalidClient, OAuthError
from commonplace.web.oauth.parameters import Parameters
from commonplace.web.server import Server


async def proven_client(server: Server, request: Request, form: Parameters) -> Client:
    """The program that sent this, which showed its secret if it has one."""
    id, secret = _shown(request.headers.get("authorization"), form)
    client = await run_in_threadpool(find_client, server.archive, id)
    if client is None:
        raise InvalidClient("There is no such client.")
    if client.is_public and secret is None:
        return client
    if secret is None or not client.has_secret(secret):
        raise InvalidClient("The client's secret is missing or wrong.")
    return client


def _shown(header: str | None, form: Parameters) -> tuple[str, str | None]:
    if header is None:
        id = form.get("client_id")
        if id is None:
            raise InvalidClient("client_id is missing.")
        return id, form.get("client_secret")
    if form.get("client_secret") is not None:
        raise OAuthError("invalid_request", "The secret is sent in the header or in the form, not in both.")
    id, secret = _basic(header)
    if form.get("client_id") not in {None, id}:
        raise InvalidClient("The header and the form name two clients.")
    return id, secret or None


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    id, colon, secret = text.partition(":")
    if kind.lower() != "basic" or not colon:
        raise InvalidClient("The Authorization header has to be Basic.")
    return unquote_plus(id), unquote_plus(secret)

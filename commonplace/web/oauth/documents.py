"""Programs whose id is the address of a document about them: read, checked, and kept for a while."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool

from commonplace.archive.access.clients import Client, find_client, store_client
from commonplace.archive.access.scopes import joined
from commonplace.moments import now
from commonplace.web.oauth.fetching import NotFetched
from commonplace.web.oauth.names import shown_name
from commonplace.web.oauth.redirects import is_acceptable
from commonplace.web.oauth.resources import BOTH, offered_scopes
from commonplace.web.server import Server

KEPT_SECONDS = 3600
MOST_REDIRECTS = 20


class Document(msgspec.Struct):
    """As much of it as counts."""

    client_id: str
    client_name: str
    redirect_uris: list[str]
    token_endpoint_auth_method: str = "none"  # noqa: S105  (a method, no secret)
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)


async def client_of_document(server: Server, url: str) -> Client:
    """The program that the document is about. Refused if there is no document that says so of itself."""
    known = await run_in_threadpool(find_client, server.archive, url)
    if known is not None and known.is_fresh:
        return known
    client = _client(server, url, read(url, await server.fetcher.fetch(url)), known)
    await run_in_threadpool(store_client, server.archive, client)
    return client


def read(url: str, body: bytes) -> Document:
    try:
        found = msgspec.json.decode(body, type=Document)
    except (msgspec.DecodeError, RecursionError):
        raise NotFetched("The document lacks client_id, client_name or redirect_uris, or is no JSON.") from None
    if found.client_id != url:
        raise NotFetched("The document is about another client.")
    if not 0 < len(found.redirect_uris) <= MOST_REDIRECTS or not all(map(is_acceptable, found.redirect_uris)):
        raise NotFetched("The document names redirect_uris that are neither https nor of this machine.")
    if found.token_endpoint_auth_method != "none":  # noqa: S105  (a method, no secret)
        raise NotFetched("The document wants a way of authentication that is not supported: only none is.")
    if "authorization_code" not in found.grant_types or "code" not in found.response_types:
        raise NotFetched("The document is of a program that does not use authorization codes.")
    return found


def _client(server: Server, url: str, document: Document, known: Client | None) -> Client:
    moment = now()
    about: dict[str, Any] = (
        {"created_at": moment}
        if known is None
        else {
            "created_at": known.created_at,
            "used_at": known.used_at,
        }
    )
    return Client(
        id=url,
        name=shown_name(document.client_name),
        kind="document",
        redirect_uris=tuple(document.redirect_uris),
        scopes=joined(offered_scopes(server)),
        resources=BOTH,
        expires_at=moment + KEPT_SECONDS * 1_000_000,
        **about,
    )

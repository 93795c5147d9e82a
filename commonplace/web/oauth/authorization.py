"""What a program asks a person for: read and checked, before anybody is shown a question.

Two ways it can be wrong. Where program and address are not known to belong together, nothing is sent anywhere: the
person reads what is wrong. After that, the program is told at its address.
"""

from __future__ import annotations

import re

import msgspec
from starlette.concurrency import run_in_threadpool

from commonplace.archive.access import clients
from commonplace.archive.access.clients import Client
from commonplace.archive.access.scopes import joined
from commonplace.errors import Refused
from commonplace.web.errors import Problem
from commonplace.web.oauth.documents import client_of_document
from commonplace.web.oauth.errors import OAuthError
from commonplace.web.oauth.parameters import Parameters
from commonplace.web.oauth.redirects import is_registered, pair_of_gpt
from commonplace.web.oauth.resources import paths_of
from commonplace.web.server import Server

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question for a person, as it is kept in the form that they answer it with."""

    client_id: str
    redirect_uri: str
    state: str | None
    scopes: str
    resources: str
    challenge: str | None


async def client_of(server: Server, parameters: Parameters) -> Client:
    """The program that asks, which the person has to know before they read anything else."""
    id = parameters.get("client_id")
    if id is None:
        raise Problem(400, "invalid_request", "The program did not say who it is: client_id is missing.")
    if id.startswith("https://"):
        try:
            return await client_of_document(server, id)
        except Refused as refused:
            raise Problem(400, "invalid_client", f"This program is not known. {refused.message}") from None
    client = await run_in_threadpool(clients.find_client, server.archive, id)
    if client is None or not client.is_fresh:
        hint = "Add it with `commonplace oauth add-client`, or connect it anew where you use it."
        raise Problem(400, "invalid_client", "This program is not known here.", hint=hint)
    return client


def redirect_of(client: Client, parameters: Parameters) -> str:
    """Where the answer goes: an address that is the program's own, letter by letter."""
    uri = parameters.get("redirect_uri") or ""
    if client.learns_its_redirect and pair_of_gpt(uri):
        return uri
    if not is_registered(client, uri):
        hint = f"Ask whoever made the program. It sent: {uri[:200]}" if uri.isprintable() else None
        raise Problem(400, "invalid_redirect_uri", "The program wants the answer at an address not its own.", hint=hint)
    return uri


def read(server: Server, client: Client, redirect_uri: str, parameters: Parameters) -> Asked:
    """The question. An `OAuthError` is for the program, at its address."""
    if parameters.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "Only response_type=code is supported.")
    challenge = _challenge(client, parameters)
    if challenge is None and parameters.get("state") is None:
        raise OAuthError("invalid_request", "state is missing.")
    paths = paths_of(server, parameters.resources)
    if not set(paths) <= set(client.resources.split()):
        raise OAuthError("invalid_target", "This client may not ask for this resource.")
    asked = (parameters.get("scope") or client.scopes).split()
    scopes = joined(scope for scope in client.scopes.split() if scope in asked)
    if not scopes:
        raise OAuthError("invalid_scope", f"This client may ask for: {client.scopes}.")
    return Asked(
        client_id=client.id,
        redirect_uri=redirect_uri,
        state=parameters.get("state"),
        scopes=scopes,
        resources=" ".join(paths) or client.resources,
        challenge=challenge,
    )


def _challenge(client: Client, parameters: Parameters) -> str | None:
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if challenge is None:
        if client.requires_pkce or method is not None:
            raise OAuthError("invalid_request", "code_challenge is missing: PKCE with S256 is required.")
        return None
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method has to be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is not one of S256.")
    return challenge

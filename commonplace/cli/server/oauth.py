"""Programs of others (`commonplace oauth ...`): which may ask for access, and which were given it."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import typer

from commonplace.archive.access import clients, grants, users
from commonplace.archive.access.clients import Client
from commonplace.archive.access.credentials import CLIENT_SECRET, digest, new
from commonplace.archive.access.scopes import READING, joined
from commonplace.archive.core import Archive
from commonplace.cli.options import Json
from commonplace.cli.output import Output, cells, errors_for_people, people, print_json, table, tell
from commonplace.cli.server.address import base_url
from commonplace.config import Environment
from commonplace.errors import Refused
from commonplace.moments import now, to_iso
from commonplace.session import Session, open_session

app = typer.Typer(
    help="Programs that read with a person's consent: add-client, clients, grants, revoke.", no_args_is_help=True
)
User = Annotated[str | None, typer.Option(help="Whose; by default the owner's.")]
Redirects = Annotated[
    list[str] | None, typer.Option("--redirect-uri", help="Where its answers go, exactly; repeatable.")
]
SHORTEST_SECRET = 32


@app.command("add-client")
def add_client(
    name: Annotated[str | None, typer.Option(help="What it is called where people decide.")] = None,
    redirect_uri: Redirects = None,
    gpt_action: Annotated[
        bool, typer.Option("--gpt-action", help="For a GPT's Action: with a secret, and without PKCE.")
    ] = False,
    public: Annotated[bool, typer.Option("--public", help="It can keep no secret.")] = False,
    scope: Annotated[list[str] | None, typer.Option(help="What it may ask for; repeatable.")] = None,
    json: Json = False,
) -> None:
    """Add a program. Its secret is shown once."""
    with errors_for_people(), open_session() as session:
        client, secret, base = _made(session, name, redirect_uri or [], gpt_action, public, scope or READING)
        clients.add_client(session.archive, client)
        told = _told(client, secret, base, gpt_action)
        if Output.as_json:
            print_json(told)
        for what, value in told.items():
            tell(f"{what.replace('_', ' '):<18} {' '.join(value) if isinstance(value, list) else value}")
        if secret:
            tell("The secret is not shown again.")


@app.command("clients")
def clients_command(json: Json = False) -> None:
    """The programs that may ask, and how each became known."""
    with errors_for_people(), open_session() as (settings, _, archive):
        found = clients.list_clients(archive)
        if Output.as_json:
            print_json({"clients": [_client(client) for client in found]})
            return
        grid = table("client", "name", "", "answers go to", "last used")
        for client in found:
            used = (to_iso(client.used_at, settings.zone) or "never")[:16]
            where = ", ".join(client.redirect_uris) or "the GPT that comes first"
            grid.add_row(*cells(client.id, client.name, client.kind, where, used))
        people.print(grid)


@app.command("grants")
def grants_command(user: User = None, json: Json = False) -> None:
    """What was said yes to."""
    with errors_for_people(), open_session() as (settings, _, archive):
        found = grants.list_grants(_of(archive, user))
        if Output.as_json:
            shown = [
                {
                    "id": one.grant.id,
                    "client_id": one.grant.client_id,
                    "client_name": one.client_name,
                    "scopes": one.grant.scopes.split(),
                    "resources": one.grant.resources.split(),
                    "remembered": one.grant.is_remembered,
                    "created_at": to_iso(one.grant.created_at),
                    "used_at": to_iso(one.used_at),
                }
                for one in found
            ]
            print_json({"grants": shown})
            return
        grid = table("grant", "program", "for", "since", "last used")
        for one in found:
            since, used = ((to_iso(at, settings.zone) or "never")[:16] for at in (one.grant.created_at, one.used_at))
            grid.add_row(*cells(one.grant.id, one.client_name, one.grant.scopes, since, used))
        people.print(grid)


@app.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(help="A grant, or a client with all that it was given.")],
    user: User = None,
    json: Json = False,
) -> None:
    """End a grant at once, with its tokens; or remove a client with every grant of it."""
    with errors_for_people(), open_session() as (_, _, archive):
        what = "grant" if grants.revoke(_of(archive, user), id) else "client"
        if what == "client" and not clients.remove_client(archive, id):
            raise Refused(
                f"There is no grant or client {id!r}.", hint="`commonplace oauth grants` and `clients` show them."
            )
        if Output.as_json:
            print_json({"revoked": id, "kind": what})
        tell("Its tokens have ended." if what == "grant" else "The client is removed, and its tokens have ended.")


def _made(
    session: Session, name: str | None, redirect_uris: list[str], gpt_action: bool, public: bool, scope: Any
) -> tuple[Client, str | None, str]:
    from commonplace.web.oauth.names import shown_name
    from commonplace.web.oauth.redirects import is_acceptable, pair_of_gpt
    from commonplace.web.oauth.resources import API, BOTH

    if gpt_action and public:
        raise Refused("A GPT's Action keeps a secret: it is not --public.")
    if not gpt_action and not (name and redirect_uris):
        raise Refused("A program needs --name and --redirect-uri.", hint="Or --gpt-action.")
    if wrong := [uri for uri in redirect_uris if not is_acceptable(uri)]:
        raise Refused(
            f"{wrong[0]!r} cannot be a redirect URI.", hint="Use https, or http://127.0.0.1:PORT/PATH on this machine."
        )
    base = base_url(session.settings, session.environment)
    id, secret = _credentials(session.environment) if gpt_action else (None, None)
    if not public:
        secret = secret or new(CLIENT_SECRET)
    client = Client(
        id=id or f"{'gpt' if gpt_action else 'client'}-{secrets.token_hex(12)}",
        name=shown_name(name or "ChatGPT"),
        kind="added",
        secret_hash=digest(secret) if secret else None,
        redirect_uris=tuple(dict.fromkeys(each for uri in redirect_uris for each in pair_of_gpt(uri) or (uri,))),
        scopes=joined(scope),
        resources=API if gpt_action else BOTH,
        requires_pkce=not gpt_action,
        created_at=now(),
    )
    return client, secret, base


def _credentials(environment: Environment) -> tuple[str | None, str | None]:
    """Those that are configured in a GPT already, by the founding system's variables."""
    id, secret = environment.get("OPENAI_CLIENT_ID"), environment.get("OPENAI_CLIENT_SECRET")
    if secret and len(secret) < SHORTEST_SECRET:
        raise Refused(f"OPENAI_CLIENT_SECRET is too short: at least {SHORTEST_SECRET} characters, made at random.")
    return (id, secret) if id and secret else (None, None)


def _told(client: Client, secret: str | None, base: str, gpt_action: bool) -> dict[str, Any]:
    """What to paste at the other side."""
    told: dict[str, Any] = {"client_id": client.id}
    if secret:
        told["client_secret"] = secret
    told |= {
        "authorization_url": f"{base}/oauth/authorize",
        "token_url": f"{base}/oauth/token",
        "scope": client.scopes,
    }
    if client.redirect_uris:
        told["redirect_uris"] = list(client.redirect_uris)
    if gpt_action:
        told["schema"] = f"{base}/chatgpt/openapi.json"
    return told


def _client(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "kind": client.kind,
        "public": client.is_public,
        "redirect_uris": list(client.redirect_uris),
        "scopes": client.scopes.split(),
        "requires_pkce": client.requires_pkce,
        "created_at": to_iso(client.created_at),
        "used_at": to_iso(client.used_at),
    }


def _of(archive: Archive, user: str | None) -> Archive:
    return archive if user is None else archive.of(users.find_user(archive, user).owner)

"""Keys for programs of one's own (`commonplace keys ...`)."""

from __future__ import annotations

from typing import Annotated

import typer

from commonplace.archive.access import keys, users
from commonplace.archive.access.scopes import SCOPES
from commonplace.archive.core import Archive
from commonplace.cli.options import Json
from commonplace.cli.output import Output, cells, errors_for_people, people, print_json, table, tell
from commonplace.moments import to_iso
from commonplace.session import open_session

app = typer.Typer(help="Keys for programs that read through the API: add, list, revoke.", no_args_is_help=True)
User = Annotated[str | None, typer.Option(help="Whose; by default the owner's.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is for.")] = "key",
    scope: Annotated[list[str] | None, typer.Option(help=f"{', '.join(SCOPES)}; repeatable.")] = None,
    days: Annotated[int, typer.Option(help="How long it is good.")] = 30,
    user: User = None,
    json: Json = False,
) -> None:
    """Make a key. It is shown once."""
    with errors_for_people(), open_session() as (settings, _, archive):
        secret, key = keys.add_key(_of(archive, user), name, scope or ["read:archive"], days=days)
        if Output.as_json:
            print_json(
                {"key": secret, "id": key.id, "scopes": key.scopes.split(), "expires_at": to_iso(key.expires_at)}
            )
        tell(secret)
        tell(f"For {key.scopes}, until {(to_iso(key.expires_at, settings.zone) or '')[:10]}. It is not shown again.")


@app.command("list")
def list_command(user: User = None, json: Json = False) -> None:
    """The keys that there are, and when each was last used."""
    with errors_for_people(), open_session() as (settings, _, archive):
        found = keys.list_keys(_of(archive, user))
        if Output.as_json:
            shown = [
                {
                    "id": key.id,
                    "name": key.name,
                    "scopes": key.scopes.split(),
                    "expires_at": to_iso(key.expires_at),
                    "used_at": to_iso(key.used_at),
                }
                for key in found
            ]
            print_json({"keys": shown})
            return
        grid = table("key", "name", "for", "until", "last used")
        for key in found:
            until, used = ((to_iso(at, settings.zone) or "never")[:16] for at in (key.expires_at, key.used_at))
            grid.add_row(*cells(f"{key.id}...", key.name, key.scopes, until, used))
        people.print(grid)


@app.command("revoke")
def revoke(key: Annotated[str, typer.Argument(help="Its beginning.")], user: User = None, json: Json = False) -> None:
    """End a key at once."""
    with errors_for_people(), open_session() as (_, _, archive):
        keys.revoke_key(_of(archive, user), key)
        if Output.as_json:
            print_json({"revoked": key})
        tell("Revoked.")


def _of(archive: Archive, user: str | None) -> Archive:
    return archive if user is None else archive.of(users.find_user(archive, user).owner)

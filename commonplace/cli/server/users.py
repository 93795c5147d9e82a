"""Users (`commonplace users ...`): each is an owner, whose conversations no other sees."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from commonplace.archive.access import passwords, users
from commonplace.archive.core import Archive
from commonplace.cli.options import Json
from commonplace.cli.output import Output, ask, cells, errors_for_people, people, print_json, table, tell
from commonplace.cli.server.address import base_url
from commonplace.moments import to_iso
from commonplace.session import open_session

app = typer.Typer(help="Users of the server: add, list, password, disable, enable, claim-uid.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The user's name.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, its first line.")
]


@app.command("add")
def add(name: Name, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Add a user. Without a password, a link is printed by which they set one."""
    with errors_for_people(), open_session() as (settings, environment, archive):
        user = users.add_user(archive, name, _typed() if password_stdin else None)
        told: dict[str, Any] = {"name": user.name, "owner": user.owner}
        if not password_stdin:
            told["link"] = f"{base_url(settings, environment)}/welcome/{users.new_link(archive, user.owner)}"
        if Output.as_json:
            print_json(told)
        tell(f"Added {user.name}." if password_stdin else f"{user.name} sets a password here: {told['link']}")


@app.command("list")
def list_command(json: Json = False) -> None:
    """Everybody who may log in, and the OMI uids that are theirs."""
    with errors_for_people(), open_session() as (settings, _, archive):
        found = users.list_users(archive)
        uids = {user.owner: list(users.uids_of(archive, user.owner)) for user in found}
        if Output.as_json:
            known = [
                {
                    "name": user.name,
                    "owner": user.owner,
                    "disabled": user.is_disabled,
                    "created_at": to_iso(user.created_at),
                    "uids": uids[user.owner],
                }
                for user in found
            ]
            print_json({"users": known})
            return
        grid = table("name", "owner", "since", "OMI uids", "")
        for user in found:
            since = (to_iso(user.created_at, settings.zone) or "")[:10]
            state = "disabled" if user.is_disabled else ""
            grid.add_row(*cells(user.name, user.owner, since, ", ".join(uids[user.owner]), state))
        people.print(grid)


@app.command("password")
def password(name: Name, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Set a password; it ends the user's sessions."""
    with errors_for_people(), open_session() as (_, _, archive):
        user = users.find_user(archive, name)
        users.set_password(archive, user.owner, _typed() if password_stdin else _asked())
        _done(user.name, "The password is set; sessions have ended.")


@app.command("disable")
def disable(name: Name, json: Json = False) -> None:
    """Nobody comes in as this user any more: sessions, programs and keys end. The conversations stay."""
    _set_disabled(name, is_disabled=True, told="Disabled; sessions, programs and keys have ended.")


@app.command("enable")
def enable(name: Name, json: Json = False) -> None:
    """Let a disabled user log in again."""
    _set_disabled(name, is_disabled=False, told="Enabled.")


@app.command("claim-uid")
def claim_uid(
    name: Name, uid: Annotated[str, typer.Argument(help="The uid that OMI sends.")], json: Json = False
) -> None:
    """What OMI sends for a uid becomes this user's."""
    with errors_for_people(), open_session() as (_, _, archive):
        users.claim_uid(archive, _owner(archive, name), uid)
        _done(name, f"What OMI sends for {uid} is theirs.")


def _owner(archive: Archive, name: str) -> str:
    """A user's; the archive's owner needs no user to have one."""
    return archive.owner if name == archive.owner else users.find_user(archive, name).owner


def _set_disabled(name: str, *, is_disabled: bool, told: str) -> None:
    with errors_for_people(), open_session() as (_, _, archive):
        user = users.find_user(archive, name)
        users.disable(archive, user.owner, is_disabled=is_disabled)
        _done(user.name, told)


def _done(name: str, told: str) -> None:
    if Output.as_json:
        print_json({"name": name})
    tell(told)


def _typed() -> str:
    return passwords.hash_password(sys.stdin.readline().rstrip("\r\n"))


def _asked() -> str:
    return passwords.hash_password(ask("New password", is_secret=True, twice=True))

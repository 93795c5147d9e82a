"""New exports: what came into watched folders, and how far it is with the next one of each account."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from commonplace.cli.options import Direct, Json
from commonplace.cli.output import Output, aside, cells, errors_for_people, people, print_json, table, tell
from commonplace.cli.working import as_run, directly, finish, show_report
from commonplace.moments import to_iso
from commonplace.session import open_session

KEYS = ("looked_at", "opened", "read", "new", "changed", "unchanged", "empty", "failed", "seconds")
WORDS = {
    "never": "nothing came yet",
    "fresh": "new enough",
    "due": "time to ask for it",
    "asked": "asked for, the mail comes",
    "late": "no mail came: ask again",
    "ready": "the link waits for your click",
    "ended": "the link ended: ask again",
}
app = typer.Typer(help="How far it is with the next export of each account.", no_args_is_help=True)
Account = Annotated[str, typer.Argument(help="The account: an assistant, or a name of the settings.")]


def register(app: typer.Typer) -> None:
    app.command("watch")(watch)


def watch(direct: Direct = False, json: Json = False) -> None:
    """Look through the watched folders once, and take in what is an export and new. `up` does it by itself."""
    from commonplace.stages.watching import stage

    with errors_for_people():
        report = directly(lambda session, work: stage.watch(session, work=work)) if direct else as_run("watch")
        for folder in report["missing"]:
            aside.print(f"There is no folder {folder}", soft_wrap=True)
        if report["is_busy"]:
            aside.print("Another import is under way: the next look takes what there is.", soft_wrap=True)
        if report["fresh"]:
            aside.print(
                f"Left to rest, as they may not be whole yet: {report['fresh']:,}. Look again soon.", soft_wrap=True
            )
        finish(report, lambda: show_report("Watched", report, KEYS), failed=report["failed"])


@app.command("status")
def status(json: Json = False) -> None:
    """Every account: when its last export came, what is under way, and where the next click is."""
    from commonplace.stages.requests.standing import standings

    with errors_for_people(), open_session() as session:
        found = standings(session.settings, session.archive)
        zone = session.settings.zone
        if Output.as_json:
            moments = ("asked_at", "mail_at", "link_ends_at", "imported_at", "due_at")
            plain = [
                msgspec.to_builtins(one) | {key: to_iso(getattr(one, key), zone) for key in moments} for one in found
            ]
            print_json({"accounts": plain})
            return
        grid = table("account", "assistant", "last export", "next", title="Exports")
        for one in found:
            grid.add_row(*cells(one.account, one.title, (to_iso(one.imported_at, zone) or "")[:10], WORDS[one.state]))
        people.print(grid)
        for one in found:
            if one.needs_a_click:
                tell(f"{one.account}: {one.link or one.page}")
        if not found:
            tell("No export came yet, and [reminders] names no account.")


@app.command("asked")
def asked(account: Account, json: Json = False) -> None:
    """Say that you asked for the export of an account. Nobody is reminded until its mail should have come."""
    from commonplace.stages.requests.standing import say_asked

    with errors_for_people(), open_session() as session:
        say_asked(session.settings, session.archive, account)
        if Output.as_json:
            print_json({"account": account, "state": "asked"})
        tell(f"Noted: the export of {account} is asked for.")

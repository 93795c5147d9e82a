"""`commonplace mcp`: the archive's tools for a program that this machine runs, over standard input and output."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from commonplace.archive.access import users
from commonplace.archive.access.scopes import NOTES, READING
from commonplace.cli.output import errors_for_people
from commonplace.session import Session, open_session


def register(app: typer.Typer) -> None:
    app.command("mcp")(mcp)


def mcp(user: Annotated[str | None, typer.Option(help="Whose archive; by default the owner's.")] = None) -> None:
    """Serve MCP over standard input and output, for Claude Desktop, Codex and other programs on this machine."""
    with errors_for_people(), open_session() as session:
        owner = users.find_user(session.archive, user).owner if user else session.archive.owner
        _serve(session, owner)


def _serve(session: Session, owner: str) -> None:
    from commonplace.secret_keys import secret_keys
    from commonplace.web.mcp.tools import Desk, open_mcp
    from commonplace.web.readers import Readers

    takes_notes = session.settings.server.allow_notes
    keys = secret_keys(session.settings, session.environment)
    with closing(Readers(session, keys)) as readers:
        scopes = frozenset((*READING, NOTES) if takes_notes else READING)
        desk = Desk(readers.of(owner), keys, scopes)
        open_mcp(lambda ctx: desk, takes_notes=takes_notes).run("stdio")

"""`commonplace serve`, and the link by which its owner sets a password."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from commonplace.archive.access import users
from commonplace.cli.options import Json
from commonplace.cli.output import Output, errors_for_people, print_json, tell
from commonplace.cli.server.address import base_url
from commonplace.session import Session, open_session


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)
    app.command("login-link")(login_link)


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any that is free.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen on a network although nothing is encrypted.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link/--no-link", help="Print the link of the first start, on which to set a password.")
    ] = True,
    json: Json = False,
) -> None:
    """Serve pages, the API, MCP and webhooks; Ctrl-C finishes what is under way and stops."""
    with errors_for_people(), open_session() as session:
        _serve(session, host=host, port=port, insecure=insecure, link=link)


def _serve(session: Session, *, host: str | None, port: int | None, insecure: bool, link: bool) -> None:
    from commonplace.stack.web import recorded
    from commonplace.web.app import create_app
    from commonplace.web.server import open_server
    from commonplace.web.serving import listen
    from commonplace.web.serving import serve as serve_on
    from commonplace.web.settings import complete

    settings, environment, archive = session
    web = complete(settings, environment, host=host, port=port, insecure=insecure)
    listener = listen(web)
    if web.port == 0:
        web = complete(settings, environment, host=host, port=listener.getsockname()[1], insecure=insecure)
    told: dict[str, Any] = {"url": web.base_url}
    if link and users.user_of(archive, archive.owner) is None:
        told["link"] = f"{web.base_url}/welcome/{users.new_link(archive, archive.owner)}"

    def on_ready() -> None:
        if Output.as_json:
            print_json(told)
            sys.stdout.flush()
        tell(f"Serving at {told['url']}")
        if "link" in told:
            tell(f"Set your password within {users.LINK_MINUTES} minutes: {told['link']}")

    with recorded(web.port, settings), open_server(session, web) as server:
        serve_on(create_app(server), listener, on_ready)


def login_link(
    user: Annotated[str | None, typer.Option(help="Whose password; by default the owner's.")] = None,
    json: Json = False,
) -> None:
    """Make a link that lets its holder set a password, once. Earlier links end."""
    with errors_for_people(), open_session() as (settings, environment, archive):
        owner = users.find_user(archive, user).owner if user else archive.owner
        link = f"{base_url(settings, environment)}/welcome/{users.new_link(archive, owner)}"
        if Output.as_json:
            print_json({"link": link, "minutes": users.LINK_MINUTES})
        tell(link)
        tell(f"Good for {users.LINK_MINUTES} minutes, once.")

"""A server over an archive, with somebody who is logged in, and pages beside ours that ask the library nothing."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import httpx
from fastapi import APIRouter, Request
from jinja2 import Template
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from commonplace.archive.access import sessions
from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.session import Session
from commonplace.web.app import create_app
from commonplace.web.pages.rendering import templates
from commonplace.web.security.people import Person
from commonplace.web.server import Server, open_server
from commonplace.web.serving import collect_seldom, listen, runner
from commonplace.web.settings import complete

COOKIE = "commonplace-session"
SENTENCE = "The quick brown fox jumps over the lazy dog and comes back. "
before: dict[str, str] = {}
"""Pages of ours, by their addresses."""
still = APIRouter()
"""Pages that stand still."""


@still.get("/still")
def again(session: Person, served: str) -> Response:
    """A page of ours that was asked for before, as it was then: nothing in it is looked up or filled in any more."""
    return HTMLResponse(_frame().render(text=before[served]))


@cache
def _frame() -> Template:
    return templates().from_string("{{ text|safe }}")


@still.get("/still/{size}")
def page(session: Person, request: Request, size: int) -> Response:
    """One of so many bytes, for somebody who is logged in."""
    text = templates().from_string("<!doctype html><title>x</title><h1>x</h1>{{ text }}").render(text=still_text(size))
    return HTMLResponse(text)


def still_text(size: int) -> str:
    return (SENTENCE * (size // len(SENTENCE) + 1))[:size]


class Served:
    """A server that runs in this process."""

    def __init__(self, url: str, server: Server, app: ASGIApp, token: str) -> None:
        self.url, self.server, self.app, self.token = url, server, app, token

    def client(self) -> httpx.Client:
        """Somebody who is logged in."""
        return httpx.Client(
            base_url=self.url, cookies={COOKIE: self.token}, headers={"accept": "text/html"}, timeout=300
        )


@contextmanager
def serving(archive: Archive) -> Iterator[Served]:
    """Until the block ends."""
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        (home / "commonplace.toml").write_text('[server]\nrate_limit = "1000000/minute"\n')
        settings, environment = load({"COMMONPLACE_HOME": str(home)}, folder=home)
        listener = opened.enter_context(listen(complete(settings, environment, port=0)))
        web = complete(settings, environment, port=listener.getsockname()[1])
        server = opened.enter_context(open_server(Session(settings, environment, archive), web))
        app = create_app(server)
        app.include_router(still)
        collect_seldom()
        is_ready = threading.Event()
        running = runner(app, is_ready.set)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        opened.callback(thread.join)
        opened.callback(setattr, running, "should_exit", True)
        is_ready.wait(30)
        token = sessions.begin(archive, archive.owner, address="127.0.0.1", agent="benchmark", days=1)
        yield Served(web.base_url, server, app, token)

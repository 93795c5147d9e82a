"""A server over an archive, with somebody who is logged in, and pages beside ours that ask the library nothing."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import httpx
from fastapi import APIRouter, Request
from jinja2 import ChoiceLoader, DictLoader
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from benchmarks.generated.vocabulary import Vocabulary
from commonplace.archive.access import sessions
from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.session import Session
from commonplace.web.app import create_app
from commonplace.web.pages.rendering import fragment, templates
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
    return HTMLResponse(before[served])


class Row(NamedTuple):
    """What a row of a plain page shows."""

    id: str
    title: str
    day: str


MOST_ROWS = 2_000
PLAIN, PLAIN_SOURCE = (
    "plain.html",
    """{% extends "base.html" %}
{% block main %}
<h1>A page</h1>
<ul class="entries">
{% for row in rows %}
<li><a href="/conversations/{{ row.id }}">{{ row.title }}</a><span class="about">{{ row.day }}</span></li>
{% endfor %}
</ul>
{% endblock %}""",
)
"""A page like all of ours around rows of a link and two texts, of which nothing is computed."""


@cache
def _rows() -> list[Row]:
    """As different from each other as rows of an archive are: they are compressed like those."""
    draw, vocabulary = random.Random(7), Vocabulary(7)
    return [
        Row(
            f"chatgpt:{number:08}",
            " ".join(vocabulary.draw("english", number, draw.randint(2, 7))).capitalize(),
            f"{draw.randint(2023, 2026)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
        )
        for number in range(MOST_ROWS)
    ]


def rows_of(request: Request, size: int) -> list[Row]:
    """So many of them that a plain page is of this size."""
    none, all = (len(fragment(request, PLAIN, banner="", rows=rows)) for rows in ([], _rows()))
    return _rows()[: round((size - none) / ((all - none) / MOST_ROWS))]


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
        templates().loader = ChoiceLoader([DictLoader({PLAIN: PLAIN_SOURCE}), templates().loader])  # type: ignore[list-item]
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

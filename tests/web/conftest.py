"""A real server on a loopback port, and a browser that keeps cookies and fills in forms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from commonplace.archive.access import sessions, users
from commonplace.archive.access.passwords import hash_password
from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.session import Session
from commonplace.web.app import create_app
from commonplace.web.oauth.fetching import Fetcher
from commonplace.web.server import Server, open_server
from commonplace.web.serving import listen, runner
from commonplace.web.settings import complete

PASSWORD = "correct horse battery staple"
HASHED = cache(hash_password)
"""Hashing takes its time, by design: once is enough."""


class Live:
    """A server that answers, and what it was made of."""

    def __init__(self, app: FastAPI, url: str, stopping: ExitStack) -> None:
        self.app = app
        self.server: Server = app.state.server
        self.url = url
        self._stopping = stopping

    @property
    def archive(self) -> Archive:
        return self.server.archive

    def client(self, **options: Any) -> httpx.Client:
        """Closed before the server stops."""
        return self._stopping.enter_context(httpx.Client(base_url=self.url, timeout=300, **options))

    def browser(self) -> Browser:
        return Browser(self.client())

    def logged_in(self, name: str = "me") -> Browser:
        """As after a login, which takes its time, by design."""
        browser, owner = self.browser(), users.find_user(self.archive, name).owner
        token = sessions.begin(self.archive, owner, address="127.0.0.1", agent="a test", days=1)
        browser.client.cookies.set("commonplace-session", token, domain="127.0.0.1", path="/")
        return browser


class Browser:
    """As much of a browser as a form needs."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(path, params=params or None, headers={"accept": "text/html"})

    def submit(self, page: httpx.Response, action: str, **values: str | list[str]) -> httpx.Response:
        """Send the form of a page that leads to `action`, with what it holds and what is typed: of several the one that
        holds most of that already."""
        forms = [form for form in Forms.of(page.text) if form["action"] == action]
        form = max(forms, key=lambda form: len(values.items() & form["fields"].items()))
        fields = {**form["fields"], **values}
        origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
        return self.client.post(action, data=fields, headers={"accept": "text/html", "origin": origin})

    def log_in(self, name: str = "me", password: str = PASSWORD, path: str = "/login") -> httpx.Response:
        return self.submit(self.get(path), "/login", name=name, password=password)


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    @classmethod
    def of(cls, text: str) -> list[dict[str, Any]]:
        parser = cls()
        parser.feed(text)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag == "form":
            self.found.append({"action": about.get("action"), "fields": {}})
        elif tag == "input" and self.found and about.get("name") and about.get("type") != "checkbox":
            self.found[-1]["fields"][about["name"]] = about.get("value") or ""


@pytest.fixture
def chrome() -> Iterator[Any]:
    """A browser (chromium.py). Each test has its own: Playwright's loop would run on in every test that follows."""
    from tests.web.chromium import chromium

    with chromium() as browser:
        yield browser


Start = Callable[..., Live]
Around = Callable[[ASGIApp, Server], ASGIApp]


@pytest.fixture
def web_archive(sqlite_archive: Archive) -> Archive:
    """What the server serves. Tests that depend on the dialect ask for `archive` instead."""
    return sqlite_archive


@pytest.fixture
def start(web_archive: Archive, tmp_path: Path) -> Iterator[Start]:
    """Starts a server over the archive, with settings and variables of the test's own."""
    with ExitStack() as stopping:

        def start_server(
            toml: str = "", *, fetcher: Fetcher | None = None, around: Around = lambda app, _: app, **variables: str
        ) -> Live:
            home = tmp_path / "home" / "commonplace"
            home.mkdir(exist_ok=True)
            (home / "commonplace.toml").write_text(toml)
            settings, environment = load({"COMMONPLACE_HOME": str(home), **variables}, folder=home)
            web = complete(settings, environment, port=0)
            listener = listen(web)
            port = listener.getsockname()[1]
            web = complete(settings, environment, port=port)
            session = Session(settings, environment, web_archive)
            server = stopping.enter_context(open_server(session, web, fetcher=fetcher))
            is_ready = threading.Event()
            app = create_app(server)
            running = runner(around(app, server), is_ready.set)
            thread = threading.Thread(target=running.run, args=([listener],))
            thread.start()
            stopping.callback(listener.close)
            stopping.callback(thread.join)
            stopping.callback(setattr, running, "should_exit", True)
            assert is_ready.wait(30)
            return Live(app, f"http://127.0.0.1:{port}", stopping)

        yield start_server


@pytest.fixture
def live(start: Start) -> Live:
    """A server whose owner has a password."""
    running = start()
    users.add_user(running.archive, "me", HASHED(PASSWORD), owner="me")
    return running

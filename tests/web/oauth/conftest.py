"""Programs that ask for access, and a person who decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client

from commonplace.archive.access import clients, sessions, users
from commonplace.archive.access.clients import Client
from commonplace.archive.access.credentials import CLIENT_SECRET, digest, new
from commonplace.archive.access.scopes import READING, joined
from commonplace.archive.conversations.merge import merge
from commonplace.moments import now
from commonplace.web.oauth.resources import BOTH
from tests.archive.builders import simple_chat
from tests.web.conftest import HASHED, PASSWORD, Browser, Live, Start

REDIRECT = "https://program.example/callback"
GPT = "https://chat.openai.com/aip/g-abc123/oauth/callback"


class Program:
    """A program as Authlib makes one, and the person's browser in which it asks."""

    def __init__(self, live: Live, client: Client, secret: str | None, redirect_uri: str) -> None:
        self.live = live
        self.client = client
        self.secret = secret
        self.redirect_uri = redirect_uri
        self.browser = logged_in(live)

    def session(self, **options: Any) -> OAuth2Client:
        about = {
            "client_id": self.client.id,
            "client_secret": self.secret,
            "redirect_uri": self.redirect_uri,
            "token_endpoint_auth_method": "client_secret_basic" if self.secret else "none",
        }
        if self.client.requires_pkce:
            about["code_challenge_method"] = "S256"
        return OAuth2Client(**(about | options))

    def ask(self, params: dict[str, Any], *, root: str = "") -> httpx.Response:
        return self.browser.client.get(f"{root}/oauth/authorize", params=params, headers={"accept": "text/html"})

    def question(self, **changes: Any) -> dict[str, Any]:
        """A good question, with changes: None leaves one out."""
        asked = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": self.redirect_uri,
            "state": "s-1",
            "code_challenge": CHALLENGE if self.client.requires_pkce else None,
            "code_challenge_method": "S256" if self.client.requires_pkce else None,
        } | changes
        return {name: value for name, value in asked.items() if value is not None}

    def answer(self, page: httpx.Response, answer: str = "yes", **values: str) -> dict[str, str]:
        """What the program is told at its address."""
        reply = self.browser.submit(page, "/oauth/consent", answer=answer, **values)
        assert reply.status_code == 303, reply.text
        assert reply.headers["location"].startswith(self.redirect_uri)
        return told(reply)

    def code(self, **changes: Any) -> str:
        return self.answer(self.ask(self.question(**changes)))["code"]

    def post(self, path: str, **form: Any) -> httpx.Response:
        """As a program without a library would, with the secret in the form."""
        about = {"client_id": self.client.id} | ({"client_secret": self.secret} if self.secret else {})
        sent = {name: value for name, value in (about | form).items() if value is not None}
        return self.live.client().post(path, data=sent)

    def exchange(self, code: str, **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER if self.client.requires_pkce else None,
        }
        return self.post("/oauth/token", **(form | changes))

    def tokens(self, **changes: Any) -> dict[str, Any]:
        reply = self.exchange(self.code(**changes))
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def refresh(self, token: str, **changes: Any) -> httpx.Response:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=token, **changes)

    def reads(self, token: str, path: str = "/api/conversations") -> int:
        return self.live.client(headers={"authorization": f"Bearer {token}"}).get(path).status_code


def logged_in(live: Live) -> Browser:
    """Without the time that a password takes."""
    browser = live.browser()
    token = sessions.begin(live.archive, "me", address="", agent="", days=1)
    browser.client.cookies.set("commonplace-session", token)
    return browser


VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"
MakeProgram = Callable[..., Program]


def told(reply: httpx.Response) -> dict[str, str]:
    """What a redirect tells, each thing once."""
    query = parse_qs(urlsplit(reply.headers["location"]).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


@pytest.fixture
def live(start: Start) -> Live:
    """A server with a person and a conversation."""
    return furnish(start())


def furnish(running: Live) -> Live:
    users.add_user(running.archive, "me", HASHED(PASSWORD), owner="me")
    merge(running.archive, None, [simple_chat("c-1", "how to bake bread", "with patience", updated=5)])
    return running


@pytest.fixture
def make(live: Live) -> MakeProgram:
    def make_program(*, public: bool = False, redirect_uri: str = REDIRECT, **about: Any) -> Program:
        return added(live, public=public, redirect_uri=redirect_uri, **about)

    return make_program


def added(live: Live, *, public: bool = False, redirect_uri: str = REDIRECT, **about: Any) -> Program:
    """A client that was added, with both resources."""
    secret = None if public else new(CLIENT_SECRET)
    values: dict[str, Any] = {
        "id": f"client-{now()}",
        "name": "A program",
        "kind": "added",
        "secret_hash": digest(secret) if secret else None,
        "redirect_uris": (redirect_uri,),
        "scopes": joined(READING),
        "resources": BOTH,
        "created_at": now(),
    }
    client = Client(**(values | about))
    clients.add_client(live.archive, client)
    return Program(live, client, secret, redirect_uri)


@pytest.fixture
def program(make: MakeProgram) -> Program:
    """With a secret, and with PKCE."""
    return make()


@pytest.fixture
def gpt(make: MakeProgram) -> Program:
    """As `add-client --gpt-action` makes one."""
    made: Program = make(redirect_uri=GPT, redirect_uris=(), requires_pkce=False)
    return made

"""Programs whose id is an address: known by what the document there says of itself, for a while."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from commonplace.archive.access import clients
from commonplace.archive.access.tables import clients as clients_table
from commonplace.web.oauth.documents import read
from commonplace.web.oauth.fetching import Fetcher, NotFetched
from tests.web.conftest import Start
from tests.web.oauth.conftest import Program, furnish

URL = "https://program.example/oauth/client.json"


def document(**changes: Any) -> bytes:
    about = {
        "client_id": URL,
        "client_name": "Bread\u202e Maker",
        "redirect_uris": ["http://localhost:3000/callback"],
        "token_endpoint_auth_method": "none",
    }
    return msgspec.json.encode({name: value for name, value in (about | changes).items() if value is not None})


class Documents(Fetcher):
    """Answers from here, and counts."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body
        self.asked = 0

    async def fetch(self, url: str) -> bytes:
        self.asked += 1
        return self.body


def test_a_program_is_what_its_document_says_and_the_document_is_kept_for_a_while(start: Start) -> None:
    fetcher = Documents(document())
    live = furnish(start(fetcher=fetcher))
    client = clients.Client(id=URL, name="", kind="document", scopes="", resources="", created_at=0)
    program = Program(live, client, None, "http://localhost:54321/callback")
    page = program.ask(program.question())
    assert "Bread Maker" in page.text
    assert URL in page.text
    token = program.tokens()["access_token"]
    assert program.reads(token) == 200
    assert fetcher.asked == 1
    with live.archive.write() as connection:
        connection.execute(update(clients_table).values(expires_at=1))
    fetcher.body = document(redirect_uris=["https://moved.example/callback"])
    assert program.ask(program.question()).status_code == 400
    assert fetcher.asked == 2
    assert program.reads(token) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://program.example/oauth/other.json"},
        {"client_name": None},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": ["http://program.example/callback"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": "https://program.example/callback"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"grant_types": ["implicit"]},
        {"response_types": ["token"]},
    ],
)
def test_a_document_that_does_not_fit_is_of_nobody(changes: dict[str, Any]) -> None:
    with pytest.raises(NotFetched):
        read(URL, document(**changes))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 5000, b"null"])
def test_nor_is_what_is_no_document(body: bytes) -> None:
    with pytest.raises(NotFetched):
        read(URL, body)

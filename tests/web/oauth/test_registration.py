"""Programs that register themselves: off by default, few, bounded, and not lost when the server starts again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from commonplace.archive.access import clients
from tests.web.conftest import Live, Start
from tests.web.oauth.conftest import Program, furnish

ON = "[server]\nallow_registration = true\n"
GOOD = {"client_name": "A program", "redirect_uris": ["https://program.example/callback"]}


def register(live: Live, told: Any, path: str = "/oauth/register") -> httpx.Response:
    return live.client().post(path, json=told)


@pytest.mark.parametrize("path", ["/oauth/register", "/register"])
def test_it_is_off_unless_it_is_turned_on(live: Live, path: str) -> None:
    refused = register(live, GOOD, path)
    assert (refused.status_code, refused.json()["error"]) == (400, "access_denied")
    assert "allow_registration" in refused.json()["error_description"]
    assert "registration_endpoint" not in live.client().get("/.well-known/oauth-authorization-server").json()


@pytest.mark.parametrize("method", ["none", "client_secret_post"])
def test_who_registered_gets_in_also_after_a_restart(start: Start, method: str) -> None:
    live = furnish(start(ON))
    told = register(live, GOOD | {"token_endpoint_auth_method": method}).json()
    assert ("client_secret" in told) == (method != "none")
    again = start(ON)
    client = clients.find_client(again.archive, told["client_id"])
    assert client
    assert client.expires_at
    program = Program(again, client, told.get("client_secret"), GOOD["redirect_uris"][0])
    assert program.reads(program.tokens()["access_token"]) == 200
    kept = clients.find_client(again.archive, told["client_id"])
    assert kept
    assert kept.expires_at is None


WRONG: tuple[tuple[Any, str], ...] = (
    ({}, "invalid_client_metadata"),
    ([], "invalid_client_metadata"),
    ({"redirect_uris": []}, "invalid_redirect_uri"),
    ({"redirect_uris": ["http://program.example/x"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["com.program:/callback"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://program.example/#x"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://program.example/x"] * 11}, "invalid_redirect_uri"),
    (GOOD | {"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    (GOOD | {"grant_types": ["password"]}, "invalid_client_metadata"),
    (GOOD | {"response_types": ["token"]}, "invalid_client_metadata"),
)


def test_what_cannot_be_registered_is_refused(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonplace.web.security.limits.BUCKETS", ())
    live = start(ON, RATELIMIT_DEFAULT="1000/minute")
    for told, error in WRONG:
        refused = register(live, told)
        assert (refused.status_code, refused.json()["error"]) == (400, error), told
    assert clients.list_clients(live.archive) == []


def test_few_may_register_and_few_in_an_hour(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST_REGISTERED", 2)
    live = start(ON)
    assert [register(live, GOOD).status_code for _ in range(11)] == [201, 201, *[400] * 8, 429]

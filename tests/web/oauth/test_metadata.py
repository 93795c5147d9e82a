"""What programs read before they ask is what holds, byte by byte."""

from __future__ import annotations

from tests.web.conftest import Live, Start
from tests.web.oauth.conftest import furnish


def test_the_server_says_only_what_works_and_is_itself_byte_by_byte(live: Live) -> None:
    told = live.client().get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == live.server.web.base_url
    assert not told["issuer"].endswith("/")
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert "write:notes" not in told["scopes_supported"]
    for name in ("authorization", "token", "revocation", "introspection"):
        path = told[f"{name}_endpoint"].removeprefix(told["issuer"])
        method = "GET" if name == "authorization" else "POST"
        assert live.client().request(method, path).status_code not in {404, 405}


def test_each_resource_is_described_at_its_own_path_and_no_other(live: Live) -> None:
    client = live.client()
    for path in ("/mcp", "/api"):
        told = client.get(f"/.well-known/oauth-protected-resource{path}").json()
        assert told["resource"] == live.server.web.base_url + path
        assert told["authorization_servers"] == [live.server.web.base_url]
    for path in ("", "/", "/other", "/mcp/", "/mcp/x"):
        missing = client.get(f"/.well-known/oauth-protected-resource{path}")
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/json"


def test_who_is_not_known_is_told_where_to_ask(live: Live) -> None:
    challenge = live.client().get("/api/stats").headers["www-authenticate"]
    assert f'resource_metadata="{live.server.web.base_url}/.well-known/oauth-protected-resource/api"' in challenge


def test_its_identity_is_the_public_address_and_what_is_turned_on_is_offered(start: Start) -> None:
    live = furnish(
        start("[server]\npublic_url = 'https://book.example/'\nallow_registration = true\nallow_notes = true\n")
    )
    told = live.client().get("/.well-known/oauth-authorization-server", headers={"host": "book.example"}).json()
    assert told["issuer"] == "https://book.example"
    assert told["registration_endpoint"] == "https://book.example/oauth/register"
    assert "write:notes" in told["scopes_supported"]

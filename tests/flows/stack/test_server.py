"""The local Prefect server: closed to others, open to us, and gone when it is told to go."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request

import pytest

from commonplace.config import Settings
from commonplace.stack import server
from commonplace.stack.processes import Process


def _ask(url: str, headers: dict[str, str]) -> tuple[int, str | None]:
    """The status of a GET and the origin it allows to read the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=300) as reply:
            return reply.status, reply.headers.get("access-control-allow-origin")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("access-control-allow-origin")


def test_no_other_origin_may_read_the_api(prefect_server: Process) -> None:
    foreign = {"Origin": "https://evil.example"}
    assert _ask(f"{server.api_url(prefect_server)}/health", foreign) == (200, None)
    status, allowed = _ask(f"{server.api_url(prefect_server)}/admin/version", foreign)
    assert (status, allowed) == (401, None)


def test_a_foreign_preflight_is_not_answered_with_leave(prefect_server: Process) -> None:
    request = urllib.request.Request(
        f"{server.api_url(prefect_server)}/block_documents/filter",
        method="OPTIONS",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=300)
    caught.value.close()
    assert caught.value.headers.get("access-control-allow-origin") is None


def test_nothing_is_told_without_the_password(prefect_server: Process, server_settings: Settings) -> None:
    url = f"{server.api_url(prefect_server)}/admin/version"
    assert _ask(url, {})[0] == 401
    wrong = base64.b64encode(b"commonplace:guess").decode()
    assert _ask(url, {"Authorization": f"Basic {wrong}"})[0] == 401
    right = base64.b64encode(server.password(server_settings, "auth").encode()).decode()
    assert _ask(url, {"Authorization": f"Basic {right}"})[0] == 200


def test_the_login_page_keeps_the_password_out_of_requests(prefect_server: Process, server_settings: Settings) -> None:
    url, _, fragment = server.login_url(prefect_server, server_settings).partition("#")
    assert base64.b64decode(fragment).decode() == server.password(server_settings, "auth")
    with urllib.request.urlopen(url, timeout=300) as page:
        text = page.read().decode()
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert fragment not in text


def test_secrets_are_readable_by_their_owner_only(server_settings: Settings) -> None:
    server.password(server_settings, "auth")
    path = server.folder(server_settings) / "auth"
    assert path.stat().st_mode & 0o077 == 0


def test_a_server_that_runs_is_not_started_again(prefect_server: Process, server_settings: Settings) -> None:
    assert server.ensure(server_settings) == prefect_server


def test_the_places_of_runs_outlive_the_server(prefect_server: Process, server_settings: Settings) -> None:
    """A run whose place the next server did not know would be cancelled by it."""
    api = server.api(prefect_server, server_settings)
    assert api.ask("v2/concurrency_limits/", {"name": "a place", "limit": 1})
    lease = api.ask(
        "v2/concurrency_limits/increment-with-lease",
        {"names": ["a place"], "slots": 1, "mode": "concurrency", "lease_duration": 60},
    )
    assert (server.folder(server_settings) / "concurrency_leases" / f"{lease['lease_id']}.json").exists()

"""`commonplace oauth`: programs are added with what to paste at the other side, seen, and ended."""

from __future__ import annotations

import json
from functools import partial

import msgspec
import pytest

from commonplace.archive.access import clients, grants
from commonplace.session import open_session
from commonplace.stack import processes, server
from tests.cli.conftest import Run


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "oauth")


def test_a_gpts_action_gets_what_its_editor_asks_for(run: Run) -> None:
    code, told = run("add-client", "--gpt-action")
    assert code == 0
    assert told["authorization_url"].endswith("/oauth/authorize")
    assert told["token_url"].endswith("/oauth/token")
    assert told["schema"].endswith("/chatgpt/openapi.json")
    assert "read:memories" in told["scope"]
    with open_session() as session:
        client = clients.find_client(session.archive, told["client_id"])
        assert client
        assert client.has_secret(told["client_secret"])
        assert not client.requires_pkce
        assert client.learns_its_redirect
    (listed,) = run("clients")[1]["clients"]
    assert listed["client_id"] == told["client_id"]
    assert told["client_secret"] not in json.dumps(listed)


def test_what_is_pasted_leads_to_where_the_server_is_running(run: Run) -> None:
    with open_session() as session:
        folder = server.records(session.settings)
    serving = msgspec.structs.replace(processes.this("web"), port=8017)
    processes.record(folder, serving)
    assert run("add-client", "--gpt-action")[1]["token_url"] == "http://127.0.0.1:8017/oauth/token"
    processes.forget(folder, serving)
    assert run("add-client", "--gpt-action")[1]["token_url"] == "http://127.0.0.1:8000/oauth/token"


def test_the_founding_variables_name_a_gpt_that_is_configured_already(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CLIENT_ID", "founding")
    monkeypatch.setenv("OPENAI_CLIENT_SECRET", "s" * 40)
    both = run("add-client", "--gpt-action", "--redirect-uri", "https://chatgpt.com/aip/g-1/oauth/callback")[1]
    assert (both["client_id"], both["client_secret"]) == ("founding", "s" * 40)
    assert len(both["redirect_uris"]) == 2
    assert run("add-client", "--gpt-action")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--name", "x"),
        ("--name", "x", "--redirect-uri", "http://elsewhere.example/x"),
        ("--name", "x", "--redirect-uri", "https://program.example/x", "--scope", "everything"),
        ("--gpt-action", "--public"),
    ],
)
def test_what_is_no_program_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("add-client", *arguments)[0] == 1


def test_grants_are_listed_and_revoked_and_so_are_clients(run: Run) -> None:
    told = run("add-client", "--name", "Bread", "--redirect-uri", "https://program.example/x", "--public")[1]
    assert "client_secret" not in told
    with open_session() as session:
        client = clients.find_client(session.archive, told["client_id"])
        assert client
        for _ in range(2):
            grants.give(
                session.archive,
                client,
                "ask",
                client.resources,
                redirect_uri="https://program.example/x",
                challenge=None,
                is_remembered=False,
            )
    first, second = run("grants")[1]["grants"]
    assert (first["client_name"], first["scopes"]) == ("Bread", ["ask"])
    assert run("revoke", first["id"])[1] == {"revoked": first["id"], "kind": "grant"}
    assert [one["id"] for one in run("grants")[1]["grants"]] == [second["id"]]
    assert run("revoke", told["client_id"])[1]["kind"] == "client"
    assert run("grants")[1] == {"grants": []}
    assert run("revoke", told["client_id"])[0] == 1

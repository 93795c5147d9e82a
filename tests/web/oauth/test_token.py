"""Codes and tokens: once, for who they were made for, for a while, and ended together. Authlib is the program."""

from __future__ import annotations

import base64
import threading
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select, update

from commonplace.archive.access import grants, tokens, users
from commonplace.archive.access.tables import codes as codes_table
from commonplace.archive.access.tables import tokens as tokens_table
from commonplace.archive.core import Archive
from tests.web.conftest import Live, Start
from tests.web.oauth.conftest import REDIRECT, MakeProgram, Program, added, furnish, told


@pytest.fixture
def web_archive(archive: Archive) -> Archive:
    """On each dialect."""
    return archive


@pytest.mark.parametrize(
    ("method", "root"), [("client_secret_basic", ""), ("client_secret_post", "/chatgpt"), ("none", "")]
)
def test_authlib_gets_in_reads_refreshes_and_leaves(make: MakeProgram, method: str, root: str) -> None:
    program = make(public=method == "none")
    base = program.live.url + root
    with program.session(token_endpoint_auth_method=method) as client:
        url, state = client.create_authorization_url(f"{base}/oauth/authorize", code_verifier="k" * 64)
        reply = program.browser.submit(program.browser.get(url), "/oauth/consent", answer="yes")
        where = reply.headers["location"]
        assert told(reply)["iss"] == program.live.server.web.base_url
        token = client.fetch_token(
            f"{base}/oauth/token", authorization_response=where, state=state, code_verifier="k" * 64
        )
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
        (read,) = client.get(f"{program.live.url}/api/conversations").json()["conversations"]
        assert read["id"] == "chatgpt:c-1"
        renewed = client.refresh_token(f"{base}/oauth/token", refresh_token=token["refresh_token"])
        assert renewed["refresh_token"] != token["refresh_token"]
        assert client.get(f"{program.live.url}/api/conversations").status_code == 200
        assert client.revoke_token(f"{base}/oauth/revoke", token=renewed["refresh_token"]).status_code == 200
        assert program.reads(renewed["access_token"]) == 401


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_gpts_action_comes_in_as_it_does_without_pkce(gpt: Program, method: str) -> None:
    with gpt.session(token_endpoint_auth_method=method) as client:
        url, state = client.create_authorization_url(f"{gpt.live.url}/chatgpt/oauth/authorize", scope="")
        reply = gpt.browser.submit(gpt.browser.get(url), "/oauth/consent", answer="yes")
        token = client.fetch_token(
            f"{gpt.live.url}/chatgpt/oauth/token", authorization_response=reply.headers["location"], state=state
        )
        assert token["scope"] == gpt.client.scopes  # it asked for none in particular
        assert client.get(f"{gpt.live.url}/api/conversations").status_code == 200


def test_a_code_that_is_used_twice_ends_what_it_gave(program: Program) -> None:
    code = program.code()
    token = program.exchange(code).json()["access_token"]
    assert program.reads(token) == 200
    again = program.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert program.reads(token) == 401
    assert grants.list_grants(program.live.archive) == []


def test_a_code_is_exchanged_once_however_many_try_at_once(program: Program) -> None:
    code, statuses = program.code(), list[int]()
    threads = [threading.Thread(target=lambda: statuses.append(program.exchange(code).status_code)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) <= 1
    assert set(statuses) <= {200, 400}


class TestWhereNothingCanBeNoted:
    """A database whose table of clients takes no changes: as SQLite makes one."""

    @pytest.fixture
    def web_archive(self, sqlite_archive: Archive) -> Archive:
        return sqlite_archive

    def test_tokens_are_given_all_the_same(self, program: Program) -> None:
        refusal = "BEFORE UPDATE ON oauth_clients BEGIN SELECT RAISE(ABORT, 'not now'); END"
        with program.live.archive.write() as connection:
            connection.exec_driver_sql(f"CREATE TRIGGER refuse {refusal}")
        assert program.reads(program.tokens()["access_token"]) == 200


def test_a_code_is_good_for_a_minute(program: Program) -> None:
    assert grants.CODE_SECONDS <= 60
    code = program.code()
    with program.live.archive.write() as connection:
        connection.execute(update(codes_table).values(expires_at=1))
    assert program.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_address_and_its_verifier(program: Program) -> None:
    code = program.code()
    for changes in (
        {"redirect_uri": f"{REDIRECT}/"},
        {"redirect_uri": None},
        {"code_verifier": "w" * 43},
        {"code_verifier": None},
        {"code_verifier": ""},
    ):
        refused = program.exchange(code, **changes)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert program.exchange(code).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(gpt: Program) -> None:
    assert gpt.exchange(gpt.code(), code_verifier="v" * 43).json()["error"] == "invalid_grant"


def test_a_code_and_a_token_are_good_for_their_client_alone(make: MakeProgram) -> None:
    mine, other = make(), make()
    code = mine.code()
    assert other.exchange(code).json()["error"] == "invalid_grant"
    held = mine.exchange(code).json()
    assert other.refresh(held["refresh_token"]).json()["error"] == "invalid_grant"
    assert other.post("/oauth/revoke", token=held["refresh_token"]).status_code == 200
    assert other.post("/oauth/introspect", token=held["access_token"]).json() == {"active": False}
    assert mine.reads(held["access_token"]) == 200


def test_a_repeated_refresh_is_told_the_same_again_and_later_ends_everything(program: Program) -> None:
    first = program.tokens()
    second = program.refresh(first["refresh_token"]).json()
    assert program.refresh(first["refresh_token"]).json() == second
    assert program.reads(second["access_token"]) == 200
    _age_rotations(program.live)
    reused = program.refresh(first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert [program.reads(each["access_token"]) for each in (first, second)] == [401, 401]
    assert program.refresh(second["refresh_token"]).status_code == 400


def test_without_a_grace_the_second_use_ends_everything(start: Start) -> None:
    program = added(furnish(start("[server]\nrefresh_grace_seconds = 0\n")))
    first = program.tokens()
    second = program.refresh(first["refresh_token"]).json()
    assert program.refresh(first["refresh_token"]).status_code == 400
    assert program.reads(second["access_token"]) == 401


def test_scopes_shrink_and_never_grow(program: Program) -> None:
    held = program.tokens(scope="read:archive read:memories")
    less = program.refresh(held["refresh_token"], scope="read:memories").json()
    assert less["scope"] == "read:memories"
    assert program.reads(less["access_token"], "/api/stats") == 403
    more = program.refresh(less["refresh_token"], scope="ask")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


def test_a_token_is_good_for_its_resource_alone(program: Program) -> None:
    base = program.live.server.web.base_url
    for_mcp = program.tokens(resource=f"{base}/mcp")
    assert program.reads(for_mcp["access_token"]) == 401
    assert program.reads(program.tokens(resource=f"{base}/api")["access_token"]) == 200
    elsewhere = program.refresh(for_mcp["refresh_token"], resource=f"{base}/api")
    assert elsewhere.json()["error"] == "invalid_target"


def test_a_refresh_token_and_an_older_one_read_nothing(program: Program) -> None:
    held = program.tokens()
    assert program.reads(held["refresh_token"]) == 401
    with program.live.archive.write() as connection:
        connection.execute(update(tokens_table).values(expires_at=1))
    assert program.reads(held["access_token"]) == 401
    assert program.refresh(held["refresh_token"]).status_code == 400
    grants.prune(program.live.archive)
    assert grants.list_grants(program.live.archive) != []  # its code may still be tried
    with program.live.archive.write() as connection:
        connection.execute(update(codes_table).values(expires_at=1))
    grants.prune(program.live.archive)
    assert grants.list_grants(program.live.archive) == []


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_both(program: Program, kind: str) -> None:
    held = program.tokens()
    assert program.post("/oauth/revoke", token=held[kind]).status_code == 200
    assert program.reads(held["access_token"]) == 401
    assert program.refresh(held["refresh_token"]).status_code == 400
    assert program.post("/oauth/revoke", token="cpa_nothing").status_code == 200


def test_a_person_ends_a_program_on_their_page_and_nobody_elses(program: Program) -> None:
    held = program.tokens()
    (given,) = grants.list_grants(program.live.archive)
    assert not grants.revoke(program.live.archive.of("eve"), given.grant.id)
    account = program.browser.get("/account")
    assert "A program" in account.text
    assert program.browser.submit(account, f"/account/programs/{given.grant.id}/end").status_code == 303
    assert program.reads(held["access_token"]) == 401


def test_a_disabled_persons_programs_are_out_at_once(program: Program) -> None:
    held = program.tokens()
    users.disable(program.live.archive, "me")
    assert program.reads(held["access_token"]) == 401
    assert program.refresh(held["refresh_token"]).status_code == 400


def test_what_a_token_says_is_told_to_its_client_with_a_secret(make: MakeProgram) -> None:
    program, public = make(), make(public=True)
    held = program.tokens(scope="read:memories")
    said = program.post("/oauth/introspect", token=held["access_token"]).json()
    assert (said["active"], said["scope"], said["client_id"]) == (True, "read:memories", program.client.id)
    assert program.post("/oauth/introspect", token="cpa_nothing").json() == {"active": False}
    assert public.post("/oauth/introspect", token=held["access_token"]).status_code == 401


def _basic(id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()


def test_a_client_proves_itself_in_one_way(program: Program) -> None:
    form, client = {"grant_type": "authorization_code", "code": "x"}, program.live.client()
    good = _basic(program.client.id, program.secret or "")
    both = client.post("/oauth/token", data=form | {"client_secret": program.secret}, headers={"authorization": good})
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    for header in (
        _basic(program.client.id, "wrong"),
        _basic("nobody", "x"),
        "Basic !",
        "Bearer x",
        good[:-9],
        "Basic",
    ):
        refused = client.post("/oauth/token", data=form, headers={"authorization": header})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), header
        assert refused.headers["www-authenticate"].startswith("Basic")
    assert (
        program.post("/oauth/token", grant_type="authorization_code", code="x", client_secret=None).status_code == 401
    )
    encoded = _basic(program.client.id.replace("-", "%2D"), (program.secret or "").replace("_", "%5F"))
    assert client.post("/oauth/token", data=form, headers={"authorization": encoded}).json()["error"] == "invalid_grant"


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"grant_type": "password", "username": "me", "password": "x"}, "unsupported_grant_type"),
    ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ({"grant_type": "authorization_code"}, "invalid_request"),
    ({"grant_type": "refresh_token", "refresh_token": "cpr_none"}, "invalid_grant"),
    ({"grant_type": "authorization_code", "code": "cpc_none"}, "invalid_grant"),
    ({"grant_type": "authorization_code", "code": ["a", "b"]}, "invalid_request"),
    ({}, "invalid_request"),
)


def test_errors_are_objects_with_400_and_are_kept_by_nobody(program: Program) -> None:
    for form, error in WRONG:
        refused = program.post("/oauth/token", **form)
        assert (refused.status_code, refused.json()["error"]) == (400, error)
        assert refused.headers["cache-control"] == "no-store"
        assert refused.headers["content-type"] == "application/json"


def test_only_forms_are_read(program: Program) -> None:
    about = {"grant_type": "authorization_code", "code": "x", "client_id": program.client.id}
    sent: list[httpx.Response] = [
        program.live.client().post("/oauth/token", json=about),
        program.live.client().post("/oauth/token", params=about),
        program.live.client().post(
            "/oauth/token", content=b"%ff=\xff", headers={"content-type": "application/x-www-form-urlencoded"}
        ),
    ]
    assert {reply.json()["error"] for reply in sent} <= {"invalid_request", "invalid_client"}


def test_tokens_are_kept_by_nobody_and_only_their_hashes_stay_here(program: Program) -> None:
    reply = program.exchange(program.code())
    assert reply.headers["cache-control"] == "no-store"
    held = reply.json()
    renewed = program.refresh(held["refresh_token"]).json()
    with program.live.archive.read() as connection:
        stored = repr([connection.execute(select(table)).all() for table in (tokens_table, codes_table)])
    for secret in (held["access_token"], held["refresh_token"], renewed["access_token"], renewed["refresh_token"]):
        assert len(secret) >= 43
        assert secret not in stored


def test_a_token_is_checked_with_one_read(program: Program) -> None:
    engine = program.live.archive.engine
    if engine.dialect.name != "sqlite":
        pytest.skip("the same question there, and a driver that does not tell what it is asked")
    token, asked = program.tokens()["access_token"], list[str]()

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(asked.append)

    def stop(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(None)

    event.listen(engine, "checkout", listen)
    event.listen(engine, "checkin", stop)
    try:
        assert tokens.find_token(program.live.archive, token)
    finally:
        event.remove(engine, "checkout", listen)
        event.remove(engine, "checkin", stop)
    (read,) = [each for each in asked if each.startswith("SELECT")]
    with program.live.archive.read() as connection:
        (step,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {read}").all()
    assert "USING INDEX" in step.detail


def _age_rotations(live: Live) -> None:
    with live.archive.write() as connection:
        connection.execute(update(tokens_table).where(tokens_table.c.rotated_at.is_not(None)).values(rotated_at=1))

"""What programs read with a key: the founding system's form, never another person's, never too much at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from commonplace.archive.access import keys, users
from commonplace.archive.access.tables import keys as keys_table
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.errors import Refused
from tests.archive.builders import simple_chat
from tests.sources.omi.test_reading import memory, read
from tests.web.conftest import Live, Start


@pytest.fixture
def web_archive(archive: Archive) -> Archive:
    """On each dialect."""
    return archive


@pytest.fixture
def live(start: Start) -> Live:
    running = start()
    merge(running.archive, None, [read(memory()).conversation])
    merge(
        running.archive, None, [simple_chat(f"c-{n}", f"question {n}", f"answer {n}", updated=n) for n in range(1, 31)]
    )
    eve = users.add_user(running.archive, "eve", None, owner="eve")
    merge(running.archive.of(eve.owner), None, [simple_chat("secret", "hers alone", "indeed", updated=5)])
    return running


def key(live: Live, *scopes: str, owner: str = "me") -> str:
    return keys.add_key(live.archive.of(owner), "test", scopes or ("read:archive",), days=1)[0]


def get(live: Live, secret: str, path: str, **params: Any) -> httpx.Response:
    return live.client(headers={"authorization": f"Bearer {secret}"}).get(path, params=params or None)


def test_conversations_have_the_founding_shape(live: Live) -> None:
    secret = key(live, "read:memories")
    told = get(live, secret, "/api/conversations", source="omi").json()
    assert told["conversations"] == [
        {
            "id": "omi:m-1",
            "title": "Quarter plan",
            "created_at": "2026-11-01T10:00:00Z",
            "category": None,
            "overview": "Talked through it.",
            "source": "omi",
            "project": None,
        }
    ]
    whole = get(live, secret, "/api/conversations/omi:m-1").json()
    assert whole["transcript"].startswith("User: I'll send it.\n\nAna: Great.")
    assert whole["structured"]["title"] == "Quarter plan"
    assert whole["structured"]["overview"] == "Talked through it."
    assert whole["finished_at"] == "2026-11-01T10:30:00+00:00"
    assert {"id", "created_at", "started_at", "finished_at", "transcript", "structured"} <= whole.keys()


def test_pages_follow_one_another_to_the_end(live: Live) -> None:
    secret, found, params = key(live), list[str](), dict[str, Any](limit=7)
    while True:
        told = get(live, secret, "/api/conversations", **params).json()
        found += [one["id"] for one in told["conversations"]]
        if "next_cursor" not in told:
            break
        params["cursor"] = told["next_cursor"]
    assert len(found) == len(set(found)) == 31


def test_a_cursor_is_good_for_one_person_and_one_question(live: Live) -> None:
    mine = get(live, key(live), "/api/conversations", limit=2).json()["next_cursor"]
    for secret, params in (
        (key(live, owner="eve"), {"cursor": mine}),
        (key(live), {"cursor": mine, "source": "chatgpt"}),
        (key(live), {"cursor": "made up"}),
        (key(live), {"cursor": mine[:-2]}),
    ):
        refused = get(live, secret, "/api/conversations", **params)
        assert (refused.status_code, refused.json()["error"]) == (400, "wrong_cursor")


ROUTES = (
    "/api/conversations",
    "/api/search?q=hers",
    "/api/projects",
    "/api/stats",
    "/api/conversations/chatgpt:secret",
)


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_reads_what_is_anothers(live: Live, route: str) -> None:
    hers, mine = get(live, key(live, owner="eve"), route), get(live, key(live), route)
    assert hers.status_code == 200
    if route.endswith(":secret"):
        assert mine.status_code == 404
    assert "secret" not in mine.text
    assert "hers" not in mine.text


@pytest.mark.parametrize("route", ROUTES)
def test_without_a_good_key_nothing_is_read(live: Live, route: str) -> None:
    secret = key(live)
    for shown in ("", "Bearer", "Bearer cpk_wrong", "Basic bWU6bWU=", f"Token {secret}", "Bearer \u00e9".encode()):
        refused = live.client(headers={"authorization": shown}).get(route)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith('Bearer realm="commonplace", scope="read:')
    with live.archive.write() as connection:
        connection.execute(update(keys_table).values(expires_at=1))
    assert get(live, secret, route).status_code == 401


def test_who_shows_two_keys_shows_none(live: Live) -> None:
    secret = key(live)
    both = [("authorization", f"Bearer {secret}"), ("authorization", "Bearer cpk_other")]
    assert live.client().get("/api/stats", headers=both[:1]).status_code == 200
    assert live.client().get("/api/stats", headers=both).status_code == 401


def test_a_revoked_key_and_a_disabled_user_are_out_at_once(live: Live) -> None:
    secret, hers = key(live), key(live, owner="eve")
    keys.revoke_key(live.archive, secret)
    users.disable(live.archive, "eve")
    assert {get(live, one, "/api/stats").status_code for one in (secret, hers)} == {401}


def test_a_busy_archive_keeps_no_key_out(live: Live) -> None:
    secret = key(live)
    with live.archive.write() as connection:
        connection.execute(update(keys_table).values(used_at=1))
        assert get(live, secret, "/api/stats").status_code == 200


def test_a_key_for_memories_is_for_nothing_else(live: Live) -> None:
    secret = key(live, "read:memories")
    assert get(live, secret, "/api/conversations").status_code == 200
    refused = get(live, secret, "/api/search", q="x")
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


def test_a_long_conversation_comes_in_parts_that_are_the_whole(live: Live) -> None:
    merge(live.archive, None, [simple_chat("long", *(f"{n} " + "w" * 2000 for n in range(150)))])
    secret, parts, params = key(live), list[str](), dict[str, Any]()
    while True:
        reply = get(live, secret, "/api/conversations/chatgpt:long", **params)
        assert len(reply.text) < 100_000
        told = reply.json()
        parts.append(told["transcript"].removesuffix("\n\n[It goes on: ask again with next_cursor.]"))
        if "next_cursor" not in told:
            break
        params = {"cursor": told["next_cursor"]}
    assert len(parts) == 4
    assert "".join(parts).count("w" * 2000) == 150


@pytest.mark.parametrize(
    "typed", ['"', "AND OR NOT", "title:x", "*", "(((", "NEAR/3", "'; DROP TABLE messages", "\x00", "{a}"]
)
def test_whatever_is_searched_for_is_safe(live: Live, typed: str) -> None:
    assert get(live, key(live), "/api/search", q=typed).status_code == 200


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"since": "not a date"}, {"project": "p" * 201}]
)
def test_what_cannot_be_asked_is_refused(live: Live, params: dict[str, Any]) -> None:
    assert get(live, key(live), "/api/conversations", **params).status_code in {400, 422}


def test_search_finds_and_goes_on(live: Live) -> None:
    told = get(live, key(live), "/api/search", q="question", limit=4).json()
    assert (len(told["results"]), told["total"]) == (4, 30)
    again = get(live, key(live), "/api/search", q="question", limit=4, cursor=told["next_cursor"]).json()
    assert not {one["id"] for one in told["results"]} & {one["id"] for one in again["results"]}


def test_of_a_key_only_the_hash_is_kept_and_its_use_is_noted(live: Live) -> None:
    secret = key(live)
    with live.archive.read() as connection:
        assert secret not in repr(connection.execute(select(keys_table)).all())
    get(live, secret, "/api/stats")
    (listed,) = keys.list_keys(live.archive)
    assert listed.used_at
    assert secret.startswith(listed.id)
    with pytest.raises(Refused, match="no key"):
        keys.revoke_key(live.archive.of("eve"), secret)
    with pytest.raises(Refused, match="no scope"):
        keys.add_key(live.archive, "x", ["write:everything"], days=1)


def test_a_program_is_counted_wherever_it_calls_from(start: Start, archive: Archive) -> None:
    live = start("[server]\ntrusted_proxies = ['127.0.0.1']\n", RATELIMIT_DEFAULT="3/minute")
    secret = key(live)
    statuses = [
        live.client(headers={"authorization": f"Bearer {secret}", "x-forwarded-for": f"198.51.100.{n}"})
        .get("/api/stats")
        .status_code
        for n in range(4)
    ]
    assert statuses == [200, 200, 200, 429]

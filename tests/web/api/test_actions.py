"""What a GPT's Action reads to know the API fits ChatGPT's bounds, and is true."""

from __future__ import annotations

from typing import Any

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.web.api.actions import document
from commonplace.web.api.rest import QUESTIONS
from tests.archive.builders import simple_chat
from tests.web.api.test_rest import get, key
from tests.web.conftest import Live, Start


@pytest.fixture
def web_archive(archive: Archive) -> Archive:
    """On each dialect."""
    return archive


@pytest.fixture
def live(start: Start) -> Live:
    running = start()
    merge(running.archive, None, [simple_chat("c-1", "how to bake bread", "with patience", updated=5)])
    merge(running.archive.of("eve"), None, [simple_chat("hers", "her secret bread", "indeed", updated=7)])
    return running


OPERATIONS = [
    (path, method, one)
    for path, methods in document("https://book.example")["paths"].items()
    for method, one in methods.items()
]


def test_it_fits_chatgpts_bounds() -> None:
    told = document("https://book.example")
    assert told["openapi"].startswith("3.1")
    assert told["servers"] == [{"url": "https://book.example"}]
    assert len(OPERATIONS) <= 30
    assert len({one["operationId"] for _, _, one in OPERATIONS}) == len(OPERATIONS)
    for _, method, one in OPERATIONS:
        assert len(one["summary"]) <= 300
        assert all(len(each["description"]) <= 700 for each in one.get("parameters", []))
        assert method == "get" or one["x-openai-isConsequential"] is False
    flow = told["components"]["securitySchemes"]["commonplace"]["flows"]["authorizationCode"]
    assert flow["tokenUrl"] == "https://book.example/oauth/token"


def test_it_names_every_route_with_its_parameters_and_no_other() -> None:
    routes = {(route.path.replace(":path", ""), "get"): set(route.asks.__struct_fields__) for route in QUESTIONS}
    routes["/api/ask", "post"] = set()
    described = {
        (path, method): {each["name"] for each in one.get("parameters", [])} for path, method, one in OPERATIONS
    }
    assert described == routes


def test_it_is_read_before_anybody_logged_in(live: Live) -> None:
    told = live.client().get("/chatgpt/openapi.json").json()
    assert told["servers"] == [{"url": live.server.web.base_url}]


def ask(live: Live, secret: str, body: Any) -> Any:
    return live.client(headers={"authorization": f"Bearer {secret}"}).post("/api/ask", json=body)


def test_a_question_is_answered_from_ones_own_conversations_and_not_kept(live: Live) -> None:
    told = ask(live, key(live, "ask"), {"question": "how do I bake bread?"}).json()
    assert [source["id"] for source in told["sources"]] == ["chatgpt:c-1"]
    assert "secret" not in str(told)
    assert len(get(live, key(live), "/api/conversations").json()["conversations"]) == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"question": ""}, {"question": "x" * 2001}, {"question": 1}, {"question": "x", "model": "gpt"}, [], "x"],
)
def test_unknown_and_unfit_fields_of_a_question_are_refused(live: Live, body: Any) -> None:
    assert ask(live, key(live, "ask"), body).status_code == 422


def test_a_question_wants_its_scope(live: Live) -> None:
    assert ask(live, key(live, "read:archive"), {"question": "x"}).status_code == 403
    assert ask(live, "cpk_wrong", {"question": "x"}).status_code == 401


def test_what_is_like_anothers_conversation_is_not_told(live: Live) -> None:
    secret = key(live)
    assert get(live, secret, "/api/conversations/chatgpt:hers/similar").status_code == 404
    mine = get(live, secret, "/api/conversations/chatgpt:c-1/similar")
    assert (mine.status_code, mine.json()["error"]) == (400, "refused")
    assert "embed" in mine.json()["hint"]


def test_no_page_is_longer_than_chatgpt_takes(live: Live) -> None:
    merge(live.archive, None, [simple_chat(f"t-{n}", "q" * 50, title='"\n' * 600, updated=n + 10) for n in range(120)])
    secret, seen, params = key(live), list[str](), dict[str, Any](limit=100)
    while True:
        reply = get(live, secret, "/api/conversations", **params)
        assert len(reply.text) < 100_000
        seen += [one["id"] for one in reply.json()["conversations"]]
        if "next_cursor" not in reply.json():
            break
        params["cursor"] = reply.json()["next_cursor"]
    assert len(seen) == len(set(seen)) == 121

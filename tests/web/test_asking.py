"""Questions that a model answers over HTTP: with citations, within a limit, in time, and with whose key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from commonplace.archive.access import lending, sessions
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.web import errors
from tests.archive.builders import simple_chat
from tests.fakes.answering import AnsweringServer
from tests.web.conftest import Live, Start
from tests.web.mcp.test_endpoint import data, key, talk

TOML = '[categorize]\nmodel = "home-made"\n[meaning]\nmodel = ""\n'
QUESTION = {"question": "how do I bake bread?"}
Ask = Callable[[Live, str], dict[str, Any]]


@pytest.fixture
def model() -> Iterator[AnsweringServer]:
    with AnsweringServer(lambda told, asked: "With patience [1]. And [7].") as server:
        yield server


@pytest.fixture
def serve(start: Start, model: AnsweringServer) -> Callable[..., Live]:
    """The server with a conversation, and the model as its own."""

    def running(toml: str = TOML, **variables: str) -> Live:
        live = start(toml, OPENAI_BASE_URL=model.url, **variables)
        merge(live.archive, None, [simple_chat("c-1", "how to bake bread", "with patience", updated=5)])
        merge(live.archive.of("eve"), None, [simple_chat("hers", "how to bake her bread", "indeed", updated=7)])
        return live

    return running


def by_api(live: Live, secret: str) -> dict[str, Any]:
    answer = live.client(headers={"authorization": f"Bearer {secret}"}).post("/api/ask", json=QUESTION)
    return dict(answer.json())


def by_mcp(live: Live, secret: str) -> dict[str, Any]:
    async def say(client: Any) -> dict[str, Any]:
        result = await client.call_tool("ask", QUESTION)
        return {"error": result.content[0].text} if result.is_error else data(result)

    return dict(talk(live, secret, say))


WAYS = pytest.mark.parametrize("ask", [by_api, by_mcp])


@WAYS
def test_a_model_answers_from_ones_own_and_cites_what_it_was_shown(
    serve: Callable[..., Live], model: AnsweringServer, ask: Ask
) -> None:
    live = serve()
    before = conversation_ids(live.archive)
    told = ask(live, key(live, "ask"))
    assert told["answer"] == "With patience [1]. And."
    assert [(source["number"], source["id"]) for source in told["sources"]] == [(1, "chatgpt:c-1")]
    assert told["model"] == "home-made"
    ((_, asked),) = model.asked
    assert "with patience" in str(asked)
    assert "her bread" not in str(asked)
    assert conversation_ids(live.archive) == before


@WAYS
def test_an_answer_that_would_cost_too_much_is_not_asked_for(
    serve: Callable[..., Live], model: AnsweringServer, ask: Ask
) -> None:
    live = serve(TOML + "[answers]\nmax_cost = 0.0001\n[prices.home-made]\ninput = 100.0\noutput = 100.0\n")
    told = str(ask(live, key(live, "ask")))
    assert "the limit is $0.0001" in told
    assert model.asked == []


@WAYS
def test_an_answer_that_does_not_come_is_given_up(
    serve: Callable[..., Live], model: AnsweringServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "ASKING_SECONDS", 0.5)
    is_over = threading.Event()
    model.script = lambda told, asked: str(is_over.wait(30))
    live = serve()
    try:
        assert "The answer took too long." in str(ask(live, key(live, "ask")))
    finally:
        is_over.set()


@WAYS
def test_an_answer_that_breaks_off_is_no_answer(serve: Callable[..., Live], model: AnsweringServer, ask: Ask) -> None:
    model.manner = "half"
    live = serve()
    assert "broke off" in str(ask(live, key(live, "ask")))


def test_a_lent_key_pays_for_its_owners_questions_before_the_servers_own(
    serve: Callable[..., Live], model: AnsweringServer
) -> None:
    live = serve(OPENAI_API_KEY="sk-the-servers")
    token = sessions.begin(live.archive, "me", address="", agent="", days=1)
    session = sessions.find(live.archive, token, idle_hours=1)
    assert session is not None
    lending.lend(live.archive, live.server.keys.fernet(), session, "sk-my-own-key")
    by_api(live, key(live, "ask"))
    sessions.forget(live.archive, token)
    by_mcp(live, key(live, "ask"))
    assert model.keys == ["sk-my-own-key", "sk-the-servers"]


def test_the_servers_key_pays_for_its_owner_and_nobody_else(serve: Callable[..., Live], model: AnsweringServer) -> None:
    live = serve(OPENAI_API_KEY="sk-the-servers")
    asked = key(live, "ask", owner="eve")
    assert by_api(live, asked)["sources"], "what was found is quoted"
    token = sessions.begin(live.archive, "eve", address="", agent="", days=1)
    session = sessions.find(live.archive, token, idle_hours=1)
    assert session is not None
    lending.lend(live.archive, live.server.keys.fernet(), session, "sk-of-eves-own")
    by_api(live, asked)
    assert model.keys == ["sk-of-eves-own"]

"""Names from OpenAI, over real HTTP to a server of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.openai.client import Account, Client
from commonplace.projects import naming_questions as questions
from commonplace.projects.contract import Proposal, Unnamed
from commonplace.projects.known_names import KnownNames
from commonplace.projects.openai_namer import CompatibleNamer, OpenAINamer
from tests.projects.naming_server import NamingServer, named

BATCH = [
    Unnamed(project_id="p-1", titles=("Tomatoes", "Compost\nheap")),
    Unnamed(project_id="p-2", titles=("Ingress",)),
]


@pytest.fixture
def server() -> Iterator[NamingServer]:
    with NamingServer() as running:
        yield running


def client(url: str) -> Client:
    return Client(Account(api_key="k", base_url=url, timeout=300), tries=1)


@pytest.fixture
def namer(server: NamingServer) -> Iterator[OpenAINamer]:
    namer = OpenAINamer(client(server.url), "gpt-6-luna")
    yield namer
    namer.close()


@pytest.fixture
def compatible(server: NamingServer) -> Iterator[CompatibleNamer]:
    namer = CompatibleNamer(client(server.url), "some-model")
    yield namer
    namer.close()


def test_each_project_gets_its_name_and_line_from_one_request(server: NamingServer, namer: OpenAINamer) -> None:
    server.answers = [named((2, "Cluster  work", "Running it."), (1, "Garden", ""))]
    assert namer.propose(BATCH) == [
        Proposal(project_id="p-2", name="Cluster work", description="Running it."),
        Proposal(project_id="p-1", name="Garden"),
    ]
    (asked,) = server.asked
    assert asked["store"] is False
    assert "- Compost heap" in asked["input"]


def test_an_answer_about_other_projects_names_nothing(server: NamingServer, namer: OpenAINamer) -> None:
    server.answers = [named((9, "x", ""), (1, " ", ""))]
    assert namer.propose(BATCH) == []


@pytest.mark.parametrize("said", ["Tomatoes", "{}", ""])
def test_an_answer_that_cannot_be_read_is_worth_another_try(
    server: NamingServer, namer: OpenAINamer, compatible: CompatibleNamer, said: str
) -> None:
    for asked in (namer, compatible):
        server.answers = [(200, said)]
        with pytest.raises(Retryable) as caught:
            asked.propose(BATCH)
        assert "Tomatoes" not in str(caught.value)
        assert caught.value.__context__ is None
        server.answers = [(200, said)]
        told = asked.ask(BATCH)
        assert (told.input_tokens, told.output_tokens, told.proposals) == (1000, 100, ())
        assert "not readable" in str(told.problem)


def test_an_answer_that_was_cut_off_is_worth_another_try_even_if_it_can_be_read(
    server: NamingServer, namer: OpenAINamer, compatible: CompatibleNamer
) -> None:
    server.is_cut = True
    for asked in (namer, compatible):
        with pytest.raises(Retryable, match="cut off"):
            asked.propose(BATCH)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "invalid_api_key", Halt),
        (429, "insufficient_quota", Halt),
        (429, "rate_limit", Retryable),
        (500, "", Retryable),
    ],
)
def test_refusals_say_what_to_do_and_quote_nothing(
    server: NamingServer, namer: OpenAINamer, status: int, code: str, kind: type[CommonplaceError]
) -> None:
    server.answers = [(status, code)]
    with pytest.raises(kind) as caught:
        namer.propose(BATCH)
    assert "Tomatoes" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    namer = OpenAINamer(client("http://127.0.0.1:9/v1"), "m")
    with pytest.raises(Retryable):
        namer.propose(BATCH)
    namer.close()


def test_what_it_took_is_told_and_what_it_may_take_is_limited(server: NamingServer, namer: OpenAINamer) -> None:
    asked = namer.ask(BATCH)
    assert (asked.input_tokens, asked.output_tokens, len(asked.proposals)) == (1000, 100, 2)
    assert server.asked[0]["max_output_tokens"] == questions.room(BATCH)


def test_a_compatible_server_is_asked_in_chat_and_told_the_shape(
    server: NamingServer, compatible: CompatibleNamer
) -> None:
    assert [one.name for one in compatible.propose(BATCH)] == ["All of Tomatoes", "All of Ingress"]
    (asked,) = server.asked
    assert asked["response_format"]["type"] == "json_schema"
    assert "JSON Schema" in asked["messages"][0]["content"]


def test_a_server_that_knows_no_schemas_is_asked_without(server: NamingServer, compatible: CompatibleNamer) -> None:
    _, text = named((1, "Garden", ""))
    server.answers = [(400, "unknown_parameter"), (200, f"<think>{{}}</think>\n```json\n{text}\n```")]
    assert compatible.propose(BATCH) == [Proposal(project_id="p-1", name="Garden")]
    assert "response_format" not in server.asked[1]


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_api_key"), (404, ""), (429, "insufficient_quota")])
def test_a_refusal_that_asking_otherwise_does_not_cure_is_one_request(
    server: NamingServer, compatible: CompatibleNamer, status: int, code: str
) -> None:
    server.answers = [(status, code)]
    with pytest.raises(Halt):
        compatible.propose(BATCH)
    assert len(server.asked) == 1


def test_a_client_is_made_when_there_is_something_to_ask() -> None:
    namer = OpenAINamer(Client(Account()), "m")
    assert namer.key == "openai/m/p1"
    with pytest.raises(Halt, match="OPENAI_API_KEY"):
        namer.propose(BATCH)


def test_a_question_is_the_same_as_long_as_the_same_is_shown() -> None:
    one = Unnamed(project_id="p", titles=tuple(f"title {n}" for n in range(60)))
    unseen = Unnamed(project_id="p", titles=(*one.titles[:59], "other"))
    other = Unnamed(project_id="p", titles=("other", *one.titles[1:]))
    assert questions.sample_hash(one, "a") == questions.sample_hash(unseen, "a")
    assert len({questions.sample_hash(project, key) for project in (one, other) for key in "ab"}) == 4


def test_names_are_kept_by_what_was_asked_and_none_is_an_answer_too(tmp_path: Path) -> None:
    garden, cluster = BATCH
    said = Proposal(project_id="p-1", name="Garden", description="Beds.")
    with KnownNames(tmp_path / "answers" / "names.db") as known:
        assert known.find(BATCH, "a") == {}
        known.keep(BATCH, {"p-1": said}, "a")
        assert known.find(BATCH, "a") == {"p-1": said, "p-2": None}
        assert known.find(BATCH, "b") == {}
        changed = Unnamed(project_id="p-1", titles=("Pumpkins",))
        assert known.find([changed], "a") == {}
        known.keep([changed], {}, "a")
    with KnownNames(tmp_path / "answers" / "names.db") as known:
        assert known.find([garden, cluster], "a") == {"p-2": None}
    assert (tmp_path / "answers" / "names.db").stat().st_mode & 0o077 == 0

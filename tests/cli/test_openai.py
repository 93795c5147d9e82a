"""Conversations at OpenAI from the command line: pushing, looking, going on, taking away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.config import PriceSettings
from commonplace.errors import Halt
from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.answering import open_answering
from commonplace.stages.continuing import go_on
from tests.archive.builders import simple_chat
from tests.cli.conftest import Run
from tests.fakes.conversations import FakeConversations


@pytest.fixture
def fake(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConversations]:
    """A server of conversations, and an archive of four."""
    write_sample(tmp_path / "sample.zip", conversations=4)
    with FakeConversations() as server:
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert run("import", str(tmp_path / "sample.zip"), "--direct")[0] == 0
        yield server


def source_ids(fake: FakeConversations) -> list[str]:
    return [one["metadata"]["source_id"] for one in fake.conversations.values()]


def test_it_is_pushed_looked_at_and_taken_away(run: Run, fake: FakeConversations) -> None:
    code, plan = run("sync", "openai", "--limit", "2", "--dry-run")
    assert (code, plan["pending"], fake.writes) == (0, 2, 0)
    assert plan["estimate"].startswith("at least 4 requests")
    assert run("sync", "openai", "--limit", "2", "--direct")[1]["created"] == 2
    code, told = run("openai", "status")
    assert (sum(row["synced"] for row in told["projects"]), sum(row["pending"] for row in told["projects"])) == (2, 2)
    assert (told["orphans"], bool(told["last_pull"])) == (0, True)
    first, second = source_ids(fake)
    assert run("openai", "purge", "--id", first)[0] == 1  # not without a word
    assert run("openai", "purge", "--id", first[:20], "--yes")[1]["removed"] == [first]
    assert source_ids(fake) == [second]
    assert run("openai", "purge", "--id", first, "--yes")[1]["error"].endswith("is not there.")
    assert run("openai", "purge", "--yes")[1]["error"] == "Say what is to go."
    assert run("openai", "purge", "--all", "--yes")[1]["removed"] == [second]
    assert not any(fake.items.values())


def test_what_somebody_deleted_there_is_told_when_asked(run: Run, fake: FakeConversations) -> None:
    run("sync", "openai", "--direct")
    assert run("openai", "status", "--look")[1]["deleted"] == []
    (gone, whole), (cut, part), *_ = [(id, one["metadata"]["source_id"]) for id, one in fake.conversations.items()]
    del fake.conversations[gone]
    del fake.items[cut][0]
    asked = fake.requests.total()
    assert "deleted" not in run("openai", "status")[1]
    assert fake.requests.total() == asked
    told = {one["conversation_id"]: one for one in run("openai", "status", "--look")[1]["deleted"]}
    assert {id: one["is_whole"] for id, one in told.items()} == {whole: True, part: False}
    assert told[part]["messages"] == 1


def test_a_conversation_that_is_there_goes_on_there_and_comes_back(run: Run, fake: FakeConversations) -> None:
    run("sync", "openai", "--limit", "1", "--direct")
    (source_id,), (remote_id,) = source_ids(fake), fake.conversations
    code, told = run("ask", "And then?", "--conversation", source_id[:20])  # as the pages show it
    assert (code, told["answer"], told["id"]) == (0, "An answer.", source_id)
    assert fake.asked[-1]["conversation"] == remote_id
    assert fake.texts(remote_id)[-2:] == ["And then?", "An answer."]
    shown = [m["text"] for m in run("show", source_id)[1]["messages"] if m["active"] and not m["hidden"]]
    assert shown[-2:] == ["And then?", "An answer."]
    writes = fake.writes
    run("sync", "openai", "--limit", "1", "--direct")
    assert fake.texts(remote_id).count("And then?") == 1
    assert fake.requests["POST responses"] == 1
    assert fake.writes - writes <= 2  # of another conversation, which the limit lets through now


def test_a_projects_assistant_searches_its_own_store(run: Run, fake: FakeConversations) -> None:
    run("map", "--direct")
    name = run("projects", "list")[1]["projects"][0]["name"]
    assert run("projects", "assistant", name)[1]["store"] is None
    code, plan = run("openai", "store", name, "--dry-run")
    assert (code, plan["to_upload"] > 0, fake.requests.total()) == (0, True, 0)
    code, told = run("openai", "store", name)
    assert (code, told["uploaded"], told["failed"]) == (0, plan["to_upload"], 0)
    assert run("projects", "assistant", name)[1]["store"] == told["store"]
    (held,) = run("openai", "status", "--look")[1]["stores"]
    assert (held["project"], held["conversations"], held["waiting"], held["state"]) == (
        name,
        told["uploaded"],
        0,
        "there",
    )
    answer = run("ask", "what about it?", "--project", name, "--no-save")[1]
    assert [source["number"] for source in answer["sources"]] == list(range(1, told["uploaded"] + 1))
    assert run("openai", "purge", "--id", answer["sources"][0]["id"], "--yes")[1]["files"] == 1
    assert run("openai", "purge", "--project", name)[0] == 1  # not without a word
    assert run("openai", "purge", "--project", name, "--yes")[1]["stores"] == 1
    assert (fake.vector.files, fake.vector.stores) == ({}, {})
    assert run("openai", "store", name, "--remove")[1]["removed"] is False


def test_all_that_the_service_reads_counts_for_what_an_answer_may_cost(run: Run, fake: FakeConversations) -> None:
    with open_session() as session:
        merge(session.archive, None, [simple_chat("long", "words " * 300_000, "Yes.")])
        price = {"gpt-6-luna": PriceSettings(input=1.0, output=1.0)}
        session = session._replace(settings=msgspec.structs.replace(session.settings, prices=price))
        run("sync", "openai", "--direct")
        with open_answering(session, "gpt-6-luna") as using, pytest.raises(Halt, match="may cost"):
            go_on(session, using, "chatgpt:long", "And then?")
    assert fake.asked == []


def test_without_keeping_nothing_stays_anywhere(run: Run, fake: FakeConversations) -> None:
    run("sync", "openai", "--limit", "1", "--direct")
    (source_id,), (remote_id,) = source_ids(fake), fake.conversations
    before = run("show", source_id)[1], list(fake.texts(remote_id))
    assert run("ask", "And then?", "--conversation", source_id, "--no-save")[1]["answer"] == "An answer."
    asked = fake.asked[-1]
    assert asked["store"] is False
    assert "conversation" not in asked
    assert asked["input"][-1] == {"role": "user", "content": "And then?"}
    assert len(asked["input"]) > 1
    assert (run("show", source_id)[1], fake.texts(remote_id)) == before


def test_one_that_is_not_there_goes_on_here(run: Run, fake: FakeConversations) -> None:
    run("sync", "openai", "--limit", "1", "--direct")
    pushed = source_ids(fake)[0]
    everything = run("search", "the", "--limit", "10")[1]["results"]
    other = next(found["id"] for found in everything if found["id"] != pushed)
    assert run("ask", "And then?", "--conversation", other)[1]["id"] == other
    assert fake.asked[-1]["store"] is False
    shown = [message["text"] for message in run("show", other)[1]["messages"] if message["active"]]
    assert shown[-2:] == ["And then?", "An answer."]
    assert run("ask", "And then?", "--conversation", "chatgpt:none")[1]["error"].startswith("There is no conversation")

"""What conversations mean, from a server: bought once, evidence where it is there, and not missed where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, select

from commonplace.archive.core import Archive
from commonplace.archive.projects import registry, vectors
from commonplace.archive.schema import features as feature_table
from commonplace.config import Environment, PriceSettings, ProjectSettings, Settings
from commonplace.errors import Halt
from commonplace.openai import embeddings
from commonplace.openai.client import Account, Client
from commonplace.openai.embeddings import Embedder
from commonplace.stages import embedding
from commonplace.stages.embedding import Meaning, open_meaning
from commonplace.stages.mapping import similar
from commonplace.stages.selection import Selection
from tests.archive.builders import simple_chat
from tests.fakes.openai import FakeOpenAI
from tests.stages.mapping.assigning import map_projects
from tests.stages.mapping.test_stage import import_all, places, world

MODEL = "text-embedding-3-small"
SETTINGS = ProjectSettings(embeddings=MODEL)
KIND = embeddings.kind(MODEL)


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


def meaning_of(server: FakeOpenAI, wanted: ProjectSettings = SETTINGS) -> AbstractContextManager[Meaning | None]:
    settings = Settings(home=Path(), database_url="", files="", projects=wanted)
    return open_meaning(settings, Environment({"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.api_key}))


def requests_to(server: FakeOpenAI) -> int:
    return len(server.requests_to("/v1/embeddings"))


def test_what_conversations_mean_is_learned_from_and_bought_once(archive: Archive, server: FakeOpenAI) -> None:
    chats, lost = world()
    import_all(archive, chats)
    with meaning_of(server) as meaning:
        report = map_projects(archive, SETTINGS, meaning=meaning)
        assert report.learned
        assert report.learned.embedded
        assert report.cost_usd > 0
        assert report.errors == []
        refs, found = registry.refs(archive), places(archive)
        assert sum(found[id] == refs[ref] for id, ref in lost.items()) >= 0.7 * len(lost)
        asked = requests_to(server)
        assert vectors.count(archive, KIND) == len(chats)
        assert map_projects(archive, SETTINGS, meaning=meaning).decided == 0
        map_projects(archive, SETTINGS, Selection(force=True), meaning=meaning)
        assert requests_to(server) == asked
        changed = simple_chat("0000", "compost and more compost", title="Soil", updated=1_800_000_000_000_000)
        import_all(archive, [changed])
        map_projects(archive, SETTINGS, meaning=meaning)
        assert requests_to(server) == asked + 1


def test_a_vector_is_the_same_bytes_in_every_database(archive: Archive, server: FakeOpenAI) -> None:
    import_all(archive, [simple_chat("a", "garden soil", title="Roses"), simple_chat("e", " ", title=" ")])
    with meaning_of(server) as meaning:
        assert meaning
        assert embedding.embed(archive, meaning, ["chatgpt:a", "chatgpt:e"]).vectors == 1
    (asked,) = server.requests_to("/v1/embeddings")
    assert asked.body["input"] == ["Roses\ngarden soil"]
    assert asked.body["dimensions"] == embeddings.DIMENSIONS
    kept = vectors.current(archive, KIND, ["chatgpt:a", "chatgpt:e"])
    assert len(kept["chatgpt:a"]) == 4 * embeddings.DIMENSIONS
    assert kept["chatgpt:e"] == b""
    assert vectors.missing(archive, KIND, ["chatgpt:a", "chatgpt:e"]) == []


def test_without_vectors_words_decide_as_if_there_were_none_at_all(sqlite_archive: Archive) -> None:
    chats, _ = world()
    import_all(sqlite_archive, chats)
    map_projects(sqlite_archive, ProjectSettings())
    by_words = places(sqlite_archive)
    report = map_projects(sqlite_archive, SETTINGS, Selection(force=True))
    assert report.learned
    assert not report.learned.embedded
    assert places(sqlite_archive) == by_words


def test_a_conversation_without_a_vector_is_placed_by_its_words(sqlite_archive: Archive, server: FakeOpenAI) -> None:
    chats, lost = world()
    import_all(sqlite_archive, chats)
    map_projects(sqlite_archive, ProjectSettings())
    by_words = places(sqlite_archive)
    with meaning_of(server) as meaning:
        map_projects(sqlite_archive, SETTINGS, meaning=meaning)
    bare = sorted(lost)[:5]
    with sqlite_archive.write() as connection:
        table = feature_table.c
        connection.execute(delete(feature_table).where(table.kind == KIND, table.conversation_id.in_(bare)))
    report = map_projects(sqlite_archive, SETTINGS, Selection(force=True))
    assert report.learned
    assert report.learned.embedded
    found = places(sqlite_archive)
    assert [found[id] for id in bare] == [by_words[id] for id in bare]


@pytest.mark.parametrize("fault", ["wrong_key", "model_gone"])
def test_a_server_that_refuses_is_said_and_words_decide(
    sqlite_archive: Archive, server: FakeOpenAI, fault: str
) -> None:
    import_all(sqlite_archive, world(60)[0])
    server.fail(fault, times=9)  # type: ignore[arg-type]
    with meaning_of(server) as meaning:
        report = map_projects(sqlite_archive, SETTINGS, meaning=meaning)
    assert report.decided == 60
    assert "embeddings" in report.errors[0]


class Tiring(Embedder):
    """Answers one request and refuses the next."""

    def embed(self, texts: Sequence[str]) -> tuple[list[bytes], int]:
        if self.model == "tired":
            raise Halt("No more embeddings.")
        self.model = "tired"
        return [embeddings.encode([1.0, 0.0]) for _ in texts], 1000


def test_what_was_bought_before_a_refusal_is_counted(sqlite_archive: Archive, server: FakeOpenAI) -> None:
    import_all(sqlite_archive, [simple_chat(f"{n:04}", "soil", title="Bed") for n in range(embedding.AT_ONCE + 1)])
    ids = sorted(places(sqlite_archive))
    with meaning_of(server) as meaning:
        assert meaning
        tiring = msgspec.structs.replace(meaning, embedder=Tiring(Client(Account(api_key="k")), MODEL))
        done = embedding.embed(sqlite_archive, tiring, ids)
        assert done.vectors == vectors.count(sqlite_archive, KIND) == embedding.AT_ONCE
        assert done.usage.cost_usd > 0
        assert done.problem == "No more embeddings."
        with pytest.raises(Halt):
            embedding.embed(sqlite_archive, tiring, ids)


def test_a_busy_server_is_asked_again(sqlite_archive: Archive, server: FakeOpenAI) -> None:
    import_all(sqlite_archive, world(60)[0])
    server.fail("rate_limit", times=2, retry_after="0.01")
    with meaning_of(server) as meaning:
        report = map_projects(sqlite_archive, SETTINGS, meaning=meaning)
    assert report.errors == []


def test_the_budget_is_kept_and_what_is_left_comes_with_the_next_run(
    sqlite_archive: Archive, server: FakeOpenAI
) -> None:
    import_all(sqlite_archive, world(60)[0])
    with meaning_of(server, ProjectSettings(embeddings=MODEL, max_cost=0.0)) as meaning:
        report = map_projects(sqlite_archive, SETTINGS, meaning=meaning)
    assert "max_cost" in report.errors[0]
    assert requests_to(server) == 0
    with meaning_of(server) as meaning:
        again = map_projects(sqlite_archive, SETTINGS, meaning=meaning)
        assert again.learned
        assert again.learned.embedded
        assert vectors.count(sqlite_archive, KIND) == 60
        assert map_projects(sqlite_archive, SETTINGS, meaning=meaning).decided == 0


def test_what_a_part_of_the_vectors_left_to_words_is_judged_again_with_all(
    sqlite_archive: Archive, server: FakeOpenAI
) -> None:
    """Also where it is not twice as many as before."""
    import_all(sqlite_archive, world(60)[0])
    with meaning_of(server) as meaning:
        assert meaning
        ids = sorted(places(sqlite_archive))
        embedding.embed(sqlite_archive, meaning, ids[:40])
        first = map_projects(sqlite_archive, SETTINGS, meaning=msgspec.structs.replace(meaning, max_cost=0.0))
        assert first.learned
        assert (first.learned.embedded, len(first.errors)) == (False, 1)
        again = map_projects(sqlite_archive, SETTINGS, meaning=meaning)
    assert again.learned
    assert again.learned.embedded


def test_without_a_model_nothing_is_opened_and_nothing_asked(sqlite_archive: Archive, server: FakeOpenAI) -> None:
    for wanted in (ProjectSettings(), ProjectSettings(embeddings=MODEL, similarity=False)):
        with meaning_of(server, wanted) as meaning:
            assert meaning is None
            assert similar.needing_meaning(sqlite_archive, wanted, ["chatgpt:x"]) == []
    with sqlite_archive.read() as connection:
        assert connection.execute(select(feature_table)).first() is None


def test_an_unknown_price_is_not_paid_to_strangers(sqlite_archive: Archive) -> None:
    settings = Settings(home=Path(), database_url="", files="", projects=ProjectSettings(embeddings="embed-anything"))
    with open_meaning(settings, Environment({"OPENAI_API_KEY": "sk-test"})) as meaning:
        assert meaning
        chunks, problem = embedding.within_budget(sqlite_archive, meaning, [["chatgpt:a"]])
    assert (chunks, '[prices."embed-anything"]' in problem) == ([], True)
    told = msgspec.structs.replace(settings, prices={"embed-anything": PriceSettings(input=0.1, output=0.0)})
    with open_meaning(told, Environment({"OPENAI_API_KEY": "sk-test"})) as meaning:
        assert meaning
        assert embedding.within_budget(sqlite_archive, meaning, [["chatgpt:a"]]) == ([["chatgpt:a"]], "")

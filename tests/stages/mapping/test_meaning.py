"""Mapping by what conversations mean: evidence where it is there, and not missed where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.archive.schema import features
from commonplace.config import Environment, MeaningSettings, ProjectSettings, Settings
from commonplace.session import Session
from commonplace.stages import embedding
from commonplace.stages.mapping import meaning
from commonplace.stages.selection import Selection
from tests.fakes.openai import FakeOpenAI
from tests.stages.mapping.assigning import map_projects
from tests.stages.mapping.test_stage import import_all, places, world

SETTINGS = ProjectSettings()


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


def _embed(archive: Archive, server: FakeOpenAI, selection: Selection = Selection()) -> embedding.EmbedReport:
    environment = Environment({"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.api_key})
    wanted = MeaningSettings(model="text-embedding-3-small")
    settings = Settings(home=Path(), database_url="", files="", meaning=wanted)
    return embedding.embed_pending(Session(settings, environment, archive), selection)


def test_what_conversations_mean_is_learned_from(archive: Archive, server: FakeOpenAI) -> None:
    chats, lost = world()
    import_all(archive, chats)
    assert _embed(archive, server).embedded == len(chats)
    report = map_projects(archive, SETTINGS)
    assert report.learned
    assert report.learned.embedded
    assert (report.cost_usd, report.errors) == (0, [])
    refs, found = registry.refs(archive), places(archive)
    assert sum(found[id] == refs[ref] for id, ref in lost.items()) >= 0.7 * len(lost)
    assert map_projects(archive, SETTINGS).decided == 0


def test_without_vectors_words_decide_alone(sqlite_archive: Archive) -> None:
    import_all(sqlite_archive, world(60)[0])
    report = map_projects(sqlite_archive, SETTINGS)
    assert report.learned
    assert not report.learned.embedded
    assert meaning.kept(sqlite_archive, list(places(sqlite_archive))) is None
    assert meaning.generation(sqlite_archive) == ""


def test_a_conversation_without_a_vector_is_placed_by_its_words(sqlite_archive: Archive, server: FakeOpenAI) -> None:
    chats, lost = world()
    import_all(sqlite_archive, chats)
    map_projects(sqlite_archive, SETTINGS)
    by_words = places(sqlite_archive)
    _embed(sqlite_archive, server)
    bare = sorted(lost)[:5]
    with sqlite_archive.write() as connection:
        of_kind = features.c.kind.startswith("openai:")
        connection.execute(delete(features).where(of_kind, features.c.conversation_id.in_(bare)))
    report = map_projects(sqlite_archive, SETTINGS, Selection(force=True))
    assert report.learned
    assert report.learned.embedded
    found = places(sqlite_archive)
    assert [found[id] for id in bare] == [by_words[id] for id in bare]


def test_what_a_part_of_the_vectors_left_to_words_is_judged_again_with_all(
    sqlite_archive: Archive, server: FakeOpenAI
) -> None:
    """Also where it is not twice as many as before."""
    import_all(sqlite_archive, world(60)[0])
    ids = sorted(places(sqlite_archive))
    _embed(sqlite_archive, server, Selection(ids=tuple(ids[:40])))
    first = map_projects(sqlite_archive, SETTINGS)
    assert first.learned
    assert not first.learned.embedded
    _embed(sqlite_archive, server)
    again = map_projects(sqlite_archive, SETTINGS)
    assert 0 < again.decided < 60
    assert again.learned
    assert again.learned.embedded
    assert map_projects(sqlite_archive, SETTINGS).decided == 0

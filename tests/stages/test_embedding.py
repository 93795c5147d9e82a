"""Embedding as a stage: what is pending, once, newest first, within the budget, and only as far as it is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from commonplace.archive import leases
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.schema import passages
from commonplace.archive.search import near, passages_files
from commonplace.archive.search import passages as stored
from commonplace.config import Environment, MeaningSettings, PriceSettings, Settings
from commonplace.session import Session
from commonplace.stages import embedding
from commonplace.stages.selection import Selection
from tests.archive.builders import simple_chat
from tests.fakes.openai import FakeOpenAI

MODEL = "text-embedding-3-small"
EMBEDDINGS = "/v1/embeddings"


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def session(sqlite_archive: Archive, server: FakeOpenAI) -> Session:
    """With three conversations, and a service at hand."""
    chats = [simple_chat(f"{n}", f"Question number {n}", f"Answer number {n}", updated=n) for n in (1, 2, 3)]
    merge(sqlite_archive, None, chats)
    environment = Environment({"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.api_key})
    settings = Settings(
        home=Path(),
        database_url="",
        files="",
        meaning=MeaningSettings(model=MODEL),
        prices={MODEL: PriceSettings(input=1000.0, output=0.0)},
    )
    return Session(settings, environment, sqlite_archive)


def _with(session: Session, **meaning: Any) -> Session:
    return session._replace(settings=_replaced(session.settings, **meaning))


def _replaced(settings: Settings, **meaning: Any) -> Settings:
    return msgspec.structs.replace(settings, meaning=msgspec.structs.replace(settings.meaning, **meaning))


def _asked(server: FakeOpenAI) -> list[str]:
    return [text for request in server.requests_to(EMBEDDINGS) for text in request.body["input"]]


def test_what_is_new_is_embedded_newest_first_and_never_again(session: Session, server: FakeOpenAI) -> None:
    first = embedding.embed_pending(session)
    assert (first.embedded, first.passages, first.unchanged, first.stopped) == (3, 6, 0, None)
    assert _asked(server)[0] == "Question number 3"
    again = embedding.embed_pending(session)
    assert (again.embedded, again.passages, again.unchanged) == (0, 0, 3)
    assert len(_asked(server)) == 6


def test_of_a_changed_conversation_only_what_is_new_is_paid_for(session: Session, server: FakeOpenAI) -> None:
    embedding.embed_pending(session)
    changed = simple_chat("2", "Question number 2", "Answer number 2", "Something quite new", updated=9)
    merge(session.archive, None, [changed])
    assert embedding.embed_pending(session).passages == 1
    assert _asked(server)[6:] == ["Something quite new"]


def test_a_dry_run_says_what_it_would_cost_and_asks_nobody(session: Session, server: FakeOpenAI) -> None:
    plan = embedding.preview(session)
    assert (plan.pending, plan.unchanged) == (3, 0)
    assert plan.cost_usd > 0
    assert _asked(server) == []


def test_the_limit_on_costs_is_kept_and_the_next_run_does_the_rest(
    session: Session, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "slices", lambda ids: [[id] for id in ids])
    one = embedding.preview(session, Selection(limit=1)).cost_usd
    stopped = embedding.embed_pending(_with(session, max_cost=one * 1.5))
    assert 0 < stopped.embedded < 3
    assert "max_cost" in (stopped.hint or "")
    assert embedding.embed_pending(session).embedded == 3 - stopped.embedded
    assert len(_asked(server)) == 6


def test_a_model_without_a_price_is_not_asked_for_money(session: Session, server: FakeOpenAI) -> None:
    stranger = session._replace(environment=Environment({"OPENAI_API_KEY": "k"}))
    report = embedding.embed_pending(_with(stranger, model="embed-anything"))
    assert '[prices."embed-anything"]' in (report.stopped or "")
    told = msgspec.structs.replace(session.settings, prices={MODEL: PriceSettings(input=0.0, output=0.0)})
    assert embedding.embed_pending(session._replace(settings=told)).cost_usd == 0


@pytest.mark.parametrize("fault", ["wrong_key", "quota", "short_vectors"])
def test_a_service_that_refuses_stops_the_run_and_loses_nothing(
    session: Session, server: FakeOpenAI, fault: Any
) -> None:
    embedding.embed_pending(session, Selection(limit=1))
    server.fail(fault, 9, path=EMBEDDINGS)
    stopped = embedding.embed_pending(session)
    assert stopped.stopped
    assert "Question" not in stopped.stopped
    server.faults.clear()
    assert embedding.embed_pending(session).embedded == 2


def test_without_a_model_it_says_so(session: Session) -> None:
    assert "[meaning] model" in (embedding.embed_pending(_with(session, model="")).hint or "")


def test_every_question_is_paid_for_as_the_settings_say(session: Session) -> None:
    report = embedding.embed_pending(session)
    assert report.cost_usd == pytest.approx(report.tokens * 1000.0 / 1_000_000)


def test_two_runs_do_not_embed_the_same(session: Session) -> None:
    with (
        leases.hold(session.archive, leases.embedding(session.archive.owner)),
        pytest.raises(leases.AlreadyRunning),
    ):
        embedding.embed_pending(session)


def test_a_conversation_of_many_messages_is_embedded_whole(session: Session) -> None:
    long = simple_chat("long", *(f"message number {n}" for n in range(2_500)), updated=50)
    merge(session.archive, None, [long])
    rich = _with(session, max_cost=1_000.0)
    assert embedding.embed_pending(rich, Selection(ids=("chatgpt:long",))).passages == 2_500


def test_an_older_kind_goes_once_a_new_one_covers_enough(session: Session) -> None:
    embedding.embed_pending(session)
    other = _with(session, model="another-model")
    embedding.embed_pending(other, Selection(limit=1))
    assert embedding.tidy(other) == 0
    embedding.embed_pending(other)
    assert embedding.tidy(other) == 1
    (kept,) = stored.kinds(session.archive)
    assert "another-model" in kept.kind
    with session.archive.read() as connection:
        assert set(connection.execute(select(passages.c.kind_key)).scalars()) == {kept.key}


def test_what_is_searched_is_made_anew_where_it_is_not_what_was_written(session: Session) -> None:
    embedding.embed_pending(session)
    (kind,) = stored.kinds(session.archive)
    near.renew(session.archive, kind, at_once=True)
    folder = passages_files.folder_of(session.archive)
    assert folder is not None
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    embedding.tidy(session)
    (path,) = folder.iterdir()
    assert path.read_bytes() == whole

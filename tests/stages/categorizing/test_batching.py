"""Judging by a judge that answers later, from the settings to the archive, against a service that speaks HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.archive import leases
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import history
from commonplace.config import CategorizeSettings, Environment, Settings
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.categorizing.batching import collect_batches
from commonplace.stages.categorizing.stage import categorize
from commonplace.stages.selection import Selection
from tests.archive.builders import simple_chat
from tests.fakes.openai import FakeOpenAI

COUNT = 3


@pytest.fixture
def openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def session(openai: FakeOpenAI, sqlite_archive: Archive, tmp_path: Path) -> Session:
    """Three conversations, and settings that have them judged in batches."""
    merge(sqlite_archive, None, [simple_chat(str(n), f"soup {n}?", "yes", updated=n + 1) for n in range(COUNT)])
    settings = Settings(
        home=tmp_path, database_url="", files="", categorize=CategorizeSettings(judge="openai-batch", max_cost=1.0)
    )
    environment = Environment({"OPENAI_API_KEY": openai.api_key, "OPENAI_BASE_URL": openai.url})
    return Session(settings, environment, sqlite_archive)


def test_what_was_sent_is_under_way_until_it_is_collected_and_judged_once(session: Session, openai: FakeOpenAI) -> None:
    openai.batches.fates.append("pending")
    assert categorize(session).submitted == COUNT
    again = categorize(session)
    assert (again.submitted, again.under_way, again.judged) == (0, COUNT, 0)
    waiting = collect_batches(session)
    assert (waiting.still_open, waiting.verdicts) == (1, 0)
    (batch,) = openai.batches.batches
    openai.batches.fates_of[batch] = "complete"
    collected = collect_batches(session)
    assert (collected.finished, collected.verdicts, collected.stopped) == (1, COUNT, None)
    assert all(history(session.archive, f"chatgpt:{n}") for n in range(COUNT))
    assert categorize(session).submitted == 0
    assert set(openai.answered.values()) == {1}


def test_only_what_is_asked_for_is_sent(session: Session) -> None:
    assert categorize(session, Selection(limit=1)).submitted == 1


def test_what_the_service_left_unanswered_is_sent_again(session: Session, openai: FakeOpenAI) -> None:
    openai.batches.fates.append("expire:0")
    categorize(session)
    report = categorize(session)
    assert (report.judged, report.submitted) == (0, COUNT)
    assert categorize(session).judged == COUNT


def test_where_nothing_is_open_nobody_is_asked_and_no_key_is_needed(session: Session, openai: FakeOpenAI) -> None:
    report = collect_batches(session._replace(environment=Environment({})))
    assert (report.finished, report.stopped) == (0, None)
    assert openai.seen == []


def test_a_key_that_is_refused_stops_the_collection_and_keeps_the_batch(session: Session, openai: FakeOpenAI) -> None:
    categorize(session)
    openai.fail("wrong_key", 100)
    assert "key" in str(collect_batches(session).stopped)
    openai.faults.clear()
    assert collect_batches(session).verdicts == COUNT


def test_two_do_not_collect_at_once(session: Session) -> None:
    with leases.hold(session.archive, leases.collecting(session.archive.owner)):
        with pytest.raises(leases.AlreadyRunning):
            collect_batches(session)
        assert categorize(session).submitted == COUNT


def test_a_judge_that_answers_at_once_has_nothing_to_collect(session: Session) -> None:
    categorize(session)
    with pytest.raises(Refused, match="answers at once"):
        collect_batches(session, judge="local")

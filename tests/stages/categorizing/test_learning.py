"""Corrections teach the local judge: all it said before is judged again, told beforehand, and can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, verdicts
from commonplace.archive.verdicts.taxonomies import save_definition
from commonplace.archive.verdicts.verdicts import correct, history, record_verdicts, withdraw
from commonplace.categorize.contract import Category, Taxonomy
from commonplace.categorize.definitions import to_toml
from commonplace.categorize.local.kind import models_path
from commonplace.config import CategorizeSettings, Environment, Settings
from commonplace.errors import Refused
from commonplace.model import Verdict
from commonplace.session import Session
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.learning import Retrained, what_is_learned
from tests.archive.builders import simple_chat

TAXONOMY = Taxonomy(
    name="bees",
    categories=(
        Category(name="Bees", description="keeping bees, hives, honey, queens"),
        Category(name="Boats", description="sailing boats, sails, harbours, knots"),
        Category(name="Other"),
    ),
)
JARGON = (
    "the zorblat needs a frimble",
    "frimble stuck in the zorblat",
    "two zorblats, one frimble",
    "zorblat in winter",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Teaching takes seconds: who learns the same shares the model."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def session(sqlite_archive: Archive, tmp_path: Path, models: Path) -> Session:
    """An archive of six conversations that the local judge has judged."""
    models_path(tmp_path).symlink_to(models)
    texts = (*JARGON, "how old is the moon", "a sail and a knot")
    merge(sqlite_archive, None, [simple_chat(str(n), text, "Yes.") for n, text in enumerate(texts)])
    save_definition(sqlite_archive, TAXONOMY.name, TAXONOMY.hash, to_toml(TAXONOMY))
    wanted = CategorizeSettings(taxonomy=TAXONOMY.name)
    settings = Settings(home=tmp_path, database_url="", files="", categorize=wanted)
    opened = Session(settings, Environment({}), sqlite_archive)
    assert stage.categorize(opened).judged == 6
    return opened


def categories(session: Session) -> dict[str, Any]:
    with session.archive.read() as connection:
        return {
            row.id.removeprefix("chatgpt:"): row.category
            for row in connection.execute(select(conversations.c.id, conversations.c.category))
        }


def sort_as_bees(session: Session, ids: str) -> None:
    for id in ids:
        correct(session.archive, f"chatgpt:{id}", "category", "Bees", origin="cli", taxonomy=TAXONOMY.name)


def count_verdicts(session: Session) -> int:
    with session.archive.read() as connection:
        return len(connection.execute(select(verdicts.c.judge)).all())


def test_corrections_reach_everything_that_nobody_corrected(session: Session) -> None:
    assert categories(session)["3"] != "Bees"
    sort_as_bees(session, "012")
    told = stage.foreseen(session)
    assert (told.lessons, told.new_lessons, told.judged_again, told.is_estimate) == (3, 3, 3, False)
    assert told.would_change >= 1
    assert categories(session)["3"] != "Bees", "telling changes nothing"
    done = stage.learn(session)
    assert (done.new_lessons, done.judged_again, done.changed) == (3, 3, told.would_change)
    assert categories(session)["3"] == "Bees"
    assert len(what_is_learned(session.archive, TAXONOMY).lessons) == 3
    assert stage.learn(session) == Retrained(lessons=3), "there is nothing new"


def test_a_run_learns_first_and_says_what_it_will_change(session: Session) -> None:
    sort_as_bees(session, "012")
    report = stage.categorize(session)
    assert (report.judged, report.unchanged) == (3, 3)
    assert categories(session)["3"] == "Bees"
    assert stage.categorize(session).judged == 0


def test_nothing_follows_from_one_correction(session: Session) -> None:
    sort_as_bees(session, "0")
    before = {id: history(session.archive, f"chatgpt:{id}") for id in "12345"}
    assert stage.foreseen(session).new_lessons == 0
    assert stage.learn(session).judged_again == 0
    assert stage.categorize(session).judged == 0
    assert {id: history(session.archive, f"chatgpt:{id}") for id in "12345"} == before
    sort_as_bees(session, "12")
    stage.learn(session)
    sort_as_bees(session, "4")
    assert stage.learn(session).judged_again == 0, "nor from one more"


def test_learning_can_be_taken_back(session: Session) -> None:
    before = categories(session)
    sort_as_bees(session, "012")
    stage.learn(session)
    assert stage.unlearn(session) == 3
    assert categories(session) == {**before, **dict.fromkeys("012", "Bees")}, "a person's words stay"
    assert stage.categorize(session).judged == 0, "what was taken back is not learned again by itself"
    with pytest.raises(Refused, match="nothing to unlearn"):
        stage.unlearn(session)
    sort_as_bees(session, "45")
    assert stage.learn(session).new_lessons == 5


def test_verdicts_of_two_generations_are_kept_and_no_more(session: Session) -> None:
    sort_as_bees(session, "012")
    stage.learn(session)
    assert count_verdicts(session) == 6 + 3
    sort_as_bees(session, "45")
    stage.learn(session)
    assert count_verdicts(session) == 6 + 1


def test_a_word_that_is_taken_back_is_news_too(session: Session) -> None:
    sort_as_bees(session, "012")
    stage.learn(session)
    for id in "01":
        withdraw(session.archive, f"chatgpt:{id}", ["category"], review_below=0.5)
    assert stage.foreseen(session).new_lessons == 2


def test_another_judges_word_stays(session: Session) -> None:
    said = history(session.archive, "chatgpt:3")[0].verdict
    other = Verdict(
        conversation_id="chatgpt:3",
        content_hash=said.content_hash,
        category="Boats",
        confidence=0.2,
        taxonomy=TAXONOMY.name,
        taxonomy_hash=TAXONOMY.hash,
        judge="openai/x/p2",
        model="x",
        prompt_version="p2",
    )
    record_verdicts(session.archive, [other], review_below=0.5)
    sort_as_bees(session, "012")
    assert stage.learn(session).judged_again == 2
    assert categories(session)["3"] == "Boats"

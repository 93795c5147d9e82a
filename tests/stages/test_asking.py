"""Asking without a model: passages with their sources, in other words and other languages, and nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.answers.prompt import NOT_THERE
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.search.filters import Filters
from commonplace.config import Environment, MeaningSettings, Settings
from commonplace.errors import Refused
from commonplace.meaning.use.embedder import UseEmbedder
from commonplace.model import Conversation, Message
from commonplace.session import Session
from commonplace.stages import asking
from commonplace.stages.passages import embed
from commonplace.stages.searching import Searcher
from tests.archive.builders import simple_chat

DAY = 86_400_000_000
CHATS = [
    simple_chat(
        "bread", "I want to bake a rye loaf.", "Let the dough rise for two hours.", title="Rye", updated=20_000 * DAY
    ),
    simple_chat("again", "I want to bake a rye loaf.", "Let the dough rise for two hours.", title="Rye, again"),
    simple_chat("rent", "My landlord raises the rent.", "Ask for the reasons in writing.", title="Rent"),
]


def _session(archive: Archive, model: str = "use") -> Session:
    settings = Settings(home=Path(), database_url="", files="", timezone="UTC", meaning=MeaningSettings(model=model))
    return Session(settings, Environment({}), archive)


@pytest.fixture(scope="module")
def embedder() -> UseEmbedder:
    return UseEmbedder()


@pytest.fixture
def session(sqlite_archive: Archive, embedder: UseEmbedder) -> Session:
    merge(sqlite_archive, None, CHATS)
    embed(sqlite_archive, embedder, [f"chatgpt:{chat.external_id}" for chat in CHATS], is_bought=False)
    return _session(sqlite_archive)


def _ask(session: Session, question: str, filters: Filters = Filters()) -> asking.Answer:
    return asking.quote(session, Searcher(session), question, filters=filters)


@pytest.mark.parametrize(
    "question", ["what did I want to bake?", "Welches Brot wollte ich backen?", "¿qué pan quería hornear?"]
)
def test_the_best_passage_is_quoted_with_its_source_and_its_answer(session: Session, question: str) -> None:
    first = _ask(session, question).sources[0]
    assert first.id in ("chatgpt:bread", "chatgpt:again")
    assert first.text == "I want to bake a rye loaf.\n\nLet the dough rise for two hours."
    assert first.said_by == ("user", "assistant")
    assert first.message_id is not None


def test_a_source_has_its_title_and_the_day_it_was_said(session: Session) -> None:
    (rye,) = [source for source in _ask(session, "what did I want to bake?").sources if source.title.startswith("Rye")]
    assert (rye.number, rye.date[:4].isdigit()) == (1, True)


def test_what_was_said_twice_is_quoted_once(session: Session) -> None:
    texts = [source.text for source in _ask(session, "what did I want to bake?").sources]
    assert len(texts) == len(set(texts))


def test_no_answer_stands_on_what_was_answered_here(session: Session, embedder: UseEmbedder) -> None:
    said = Message(id="m1", role="user", text="What did I want to bake? A chocolate cake with cherries.")
    merge(session.archive, None, [Conversation(source=asking.OWN, external_id="x", updated_at=1, messages=[said])])
    embed(session.archive, embedder, ["commonplace:x"], is_bought=False)
    assert "commonplace:x" not in [source.id for source in _ask(session, "what cake did I want to bake?").sources]


def test_filters_say_where_to_look(session: Session) -> None:
    assert _ask(session, "what did I want to bake?", Filters(since=10**17)).answer == NOT_THERE


def test_where_nothing_is_found_nothing_is_made_up(sqlite_archive: Archive) -> None:
    answer = _ask(_session(sqlite_archive), "what did I want to bake?")
    assert (answer.answer, answer.sources, answer.model, answer.cost_usd) == (NOT_THERE, [], "", 0.0)


def test_what_has_only_the_small_words_of_a_question_answers_nothing(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("a", "Who reads the book in the evening?", "You do.", title="Reading")])
    session = _session(sqlite_archive)
    assert _ask(session, "who won the world cup in 1998").answer == NOT_THERE
    assert _ask(session, "who wrote the book of the world cup").sources[0].id == "chatgpt:a"
    assert _ask(session, "who is the one").sources[0].id == "chatgpt:a"


def test_without_vectors_words_answer(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, CHATS)
    assert _ask(_session(sqlite_archive, ""), "why does my landlord want more?").sources[0].id == "chatgpt:rent"


@pytest.mark.parametrize("question", ["", "  ", "\x00\x01", "?!", "\ud800"])
def test_a_question_that_asks_nothing_is_refused_with_an_example(session: Session, question: str) -> None:
    with pytest.raises(Refused, match="what did I want to bake"):
        _ask(session, question)


@pytest.mark.parametrize("question", ["bake " * 200_000, "bake\x00\x07 a loaf", "bake \ud800 a loaf", '-bake "a loaf'])
def test_whatever_else_is_asked_is_answered(session: Session, question: str) -> None:
    assert _ask(session, question).sources[0].title.startswith("Rye")

"""Searching with the sentence model itself: what it finds, which vectors it uses, and what is told where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.search import passages as stored
from commonplace.config import Environment, MeaningSettings, Settings
from commonplace.errors import Refused
from commonplace.meaning.use.embedder import UseEmbedder
from commonplace.session import Session
from commonplace.stages.passages import embed
from commonplace.stages.searching import Searcher
from tests.archive.builders import simple_chat

CHATS = [
    simple_chat(
        "bread", "How long does the dough have to rise?", "Two hours, then bake it at 230 degrees.", title="Sourdough"
    ),
    simple_chat("rent", "My landlord wants to raise the rent by a fifth.", "Ask for the reasons in writing."),
    simple_chat("knee", "My knee hurts when I go downstairs.", "Rest it, and see a doctor if it swells."),
    simple_chat("hindi", "मेरी साइकिल का पहिया टेढ़ा हो गया है, कैसे सीधा करूँ"),
]
IDS = [f"chatgpt:{chat.external_id}" for chat in CHATS]


def _searcher(archive: Archive, model: str = "use") -> Searcher:
    settings = Settings(home=Path(), database_url="", files="", meaning=MeaningSettings(model=model))
    return Searcher(Session(settings, Environment({}), archive))


@pytest.fixture(scope="module")
def embedder() -> UseEmbedder:
    return UseEmbedder()


@pytest.fixture
def searcher(sqlite_archive: Archive, embedder: UseEmbedder) -> Iterator[Searcher]:
    merge(sqlite_archive, None, CHATS)
    embed(sqlite_archive, embedder, IDS, is_bought=False)
    opened = _searcher(sqlite_archive)
    yield opened
    opened.close()


def _ids(result: Any) -> list[str]:
    return [each.id.removeprefix("chatgpt:") for each in result.results]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("when can the loaf go into the oven", "bread"),
        ("Wann kann das Brot in den Ofen?", "bread"),
        ("¿puede el propietario pedir más dinero por el piso?", "rent"),
        ("膝が痛い", "knee"),
        ("pain in a joint on the stairs", "knee"),
    ],
)
def test_a_question_in_other_words_or_another_language_finds_what_was_said(
    searcher: Searcher, question: str, answer: str
) -> None:
    assert _ids(searcher.search(question))[0] == answer


def test_what_the_model_does_not_know_is_found_by_some_of_its_words(searcher: Searcher) -> None:
    found = searcher.search("साइकिल टेढ़ा पहिया ठीक करना है")
    assert [(result.id, result.why) for result in found.results] == [("chatgpt:hindi", "some words")]


def test_the_nearest_to_a_conversation_are_others(searcher: Searcher, sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("rolls", "Which flour for rolls, and how long in the oven?")])
    embed(sqlite_archive, UseEmbedder(), ["chatgpt:rolls"], is_bought=False)
    found = searcher.similar("chatgpt:rolls")
    assert _ids(found)[0] == "bread"
    assert "rolls" not in _ids(found)


def test_what_has_no_vectors_is_like_nothing_and_that_is_said(searcher: Searcher) -> None:
    with pytest.raises(Refused, match="Nothing is known of what this conversation means"):
        searcher.similar("chatgpt:hindi")


def test_before_anything_is_embedded_words_are_looked_for_alone(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, CHATS)
    searcher = _searcher(sqlite_archive)
    found = searcher.search("when can the loaf of bread go into the landlord")
    assert (found.results[0].why, found.note) == ("some words", "")
    with pytest.raises(Refused, match="commonplace embed"):
        searcher.similar("chatgpt:bread")


def test_without_a_model_in_the_settings_words_are_looked_for_alone(
    searcher: Searcher, sqlite_archive: Archive
) -> None:
    found = _searcher(sqlite_archive, "").search("when can the loaf go into the oven")
    assert found.ways.meaning == 0


def test_a_model_that_cannot_be_asked_is_told_and_words_do_their_part(
    searcher: Searcher, sqlite_archive: Archive
) -> None:
    kind = stored.begin(sqlite_archive, "openai:text-embedding-3-small:passages-1-600:256", 256, is_bought=True)
    stored.drop(sqlite_archive, stored.kinds(sqlite_archive)[0])
    assert stored.kinds(sqlite_archive) == [kind]
    found = _searcher(sqlite_archive, "text-embedding-3-small").search("dough")
    assert _ids(found) == ["bread"]
    assert "OPENAI_API_KEY" in found.note


def test_a_new_kind_serves_once_it_covers_enough(searcher: Searcher, sqlite_archive: Archive) -> None:
    """Until then the older one does, as long as its model is there."""
    stored.begin(sqlite_archive, "openai:text-embedding-3-small:passages-1-600:256", 256, is_bought=True)
    found = _searcher(sqlite_archive, "text-embedding-3-small").search("when can the loaf go into the oven")
    assert (_ids(found)[0], found.note) == ("bread", "")

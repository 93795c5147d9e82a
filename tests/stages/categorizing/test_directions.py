"""What conversations mean, for the local judge: what was embedded, the same as if it were embedded now."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.categorize.local.directions import joined, of_texts
from commonplace.config import Environment, MeaningSettings, Settings
from commonplace.meaning.contract import Floats
from commonplace.meaning.registry import free_embedder
from commonplace.model import Conversation, Message
from commonplace.session import Session
from commonplace.stages.categorizing.directions import StoredMeaning, meaning_for
from commonplace.stages.categorizing.embedded import EmbeddedMeaning
from commonplace.stages.categorizing.subjects import subjects
from commonplace.stages.embedding import embed_pending
from tests.archive.builders import simple_chat

CHATS = [
    simple_chat("1", "My sourdough is flat. Does the dough need more time?", "Yes, let it rise until morning."),
    simple_chat("2", "Mein Zug fällt aus, bekomme ich Geld zurück?", "Ab einer Stunde Verspätung."),
]


SAID = (
    "My sourdough is flat again.",
    "I let it rise for four hours.",
    "The oven is as hot as it gets.",
    "Should I take more rye flour?",
    "And less water in the dough.",
    "Bake it in a tin, perhaps.",
    "Then eat it with butter.",
)


def spoken(name: str, *texts: str) -> Conversation:
    said = [Message(id=f"{name}-{n}", role="user", text=text, digest=b"x", position=n) for n, text in enumerate(texts)]
    for before, after in pairwise(said):
        after.parent_id = before.id
    return Conversation(source="omi", external_id=name, title=None, messages=said)


class _Asleep:
    """The embedder's name, and nobody who answers to it."""

    key, longest = free_embedder().key, free_embedder().longest

    def embed(self, texts: list[str]) -> Floats:
        assert not texts
        return np.zeros((0, 256), dtype=np.float32)


def _session(archive: Archive, model: str) -> Session:
    settings = Settings(home=Path(), database_url="", files="", meaning=MeaningSettings(model=model))
    return Session(settings, Environment({}), archive)


def test_what_is_stored_is_read_and_nothing_is_embedded_for_the_rest(archive: Archive) -> None:
    merge(archive, None, CHATS)
    asked = subjects(archive, ["chatgpt:1", "chatgpt:2"])
    assert not joined(StoredMeaning(_Asleep(), archive).of(asked)).any()  # type: ignore[arg-type]
    embed_pending(_session(archive, "use"))
    stored = joined(StoredMeaning(_Asleep(), archive).of(asked))  # type: ignore[arg-type]
    assert stored.any(axis=1).all()
    assert np.allclose(joined(EmbeddedMeaning(free_embedder()).of(asked)), stored, atol=0.02)
    merge(archive, None, [simple_chat("1", "Something else altogether?", "Yes.", updated=10**12)])
    changed = subjects(archive, ["chatgpt:1"])
    assert not joined(StoredMeaning(_Asleep(), archive).of(changed)).any()  # type: ignore[arg-type]


def test_what_says_nothing_between_what_is_said_points_nowhere(archive: Archive) -> None:
    fillers = [text for line in SAID for text in ("Yeah.", "Okay, sure.", line)]
    merge(archive, None, [spoken("1", *SAID), spoken("2", *fillers)])
    asked = subjects(archive, ["omi:1", "omi:2"])
    embed_pending(_session(archive, "use"))
    stored = joined(StoredMeaning(_Asleep(), archive).of(asked))  # type: ignore[arg-type]
    embedded = joined(EmbeddedMeaning(free_embedder()).of(asked))
    for rows in (stored, embedded):
        assert rows.any(axis=1).all()
        assert np.allclose(rows[0], rows[1], atol=0.02)
    assert np.allclose(stored, embedded, atol=0.02)


def test_texts_that_are_in_no_archive_are_embedded(sqlite_archive: Archive) -> None:
    assert of_texts(StoredMeaning(free_embedder(), sqlite_archive), ["My sourdough is flat."]).any()


def test_settings_that_want_words_alone_get_them(sqlite_archive: Archive) -> None:
    assert meaning_for(_session(sqlite_archive, "")) is None
    assert meaning_for(_session(sqlite_archive, "use")) is not None


def test_in_another_process_it_is_the_same_meaning_without_the_archive(sqlite_archive: Archive) -> None:
    there = pickle.loads(pickle.dumps(StoredMeaning(free_embedder(), sqlite_archive)))  # noqa: S301 - our own
    assert type(there) is EmbeddedMeaning
    assert there.key == free_embedder().key

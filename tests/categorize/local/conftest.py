"""What tests of the local judge share."""

from __future__ import annotations

import pytest

from commonplace.categorize.contract import Meaning, Subject, Taxonomy, Turn
from commonplace.categorize.definitions import shipped
from commonplace.meaning.registry import free_embedder
from commonplace.stages.categorizing.embedded import EmbeddedMeaning


def subject(*texts: str, title: str | None = None, id: str = "chatgpt:1") -> Subject:
    turns = tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    return Subject(conversation_id=id, content_hash="c1:1", title=title, turns=turns)


@pytest.fixture(scope="module")
def everyday() -> Taxonomy:
    found = shipped("everyday")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    return EmbeddedMeaning(free_embedder())

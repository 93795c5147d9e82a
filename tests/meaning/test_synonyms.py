"""Words for one thing, found by what they mean."""

from __future__ import annotations

from commonplace.meaning.registry import free_embedder
from commonplace.meaning.synonyms import synonyms


def test_forms_and_other_languages_words_are_the_first_that_was_said() -> None:
    words = ["window", "bananas", "knee", "janela", "banana", "hip", "paper", "papier"]
    assert synonyms(free_embedder(), words) == {"janela": "window", "banana": "bananas", "papier": "paper"}


def test_what_the_model_does_not_know_means_nothing() -> None:
    assert synonyms(free_embedder(), ["रसोई", "बजट"]) == {}
    assert synonyms(free_embedder(), []) == {}

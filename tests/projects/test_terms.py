"""What a conversation is about, as numbers."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from commonplace.projects import terms
from commonplace.projects.stopwords import STOP_WORDS


def test_stop_words_and_single_letters_are_no_terms() -> None:
    assert terms.count("The X of the garden", ["and it is a garden"]) == Counter({"garden": terms.TITLE_COUNT + 1})


def test_long_words_meet_by_their_beginnings() -> None:
    singular, plural = terms.count(None, ["Gewächshaus"]), terms.count(None, ["Gewächshäuser"])
    assert singular.keys() & plural.keys() == {"gewäc-"}


def test_scripts_without_spaces_are_read_two_characters_at_a_time() -> None:
    assert list(terms.words("東京旅行 plan")) == ["東京", "京旅", "旅行", "plan"]


def test_only_the_beginning_of_an_endless_text_counts() -> None:
    passages = ["word " * 1000] * 100
    assert terms.count(None, passages)["word"] <= terms.MOST_CHARACTERS // 5 + 1


@settings(deadline=None)
@given(st.text(), st.lists(st.text()))
def test_any_text_is_encoded_and_read_back(title: str, passages: list[str]) -> None:
    counted = terms.count(title, passages)
    numbers, counts = terms.decode(terms.encode(counted))
    assert len(numbers) == len(counts) <= min(len(counted), terms.MOST_TERMS)
    assert all(number < terms.SIZE for number in numbers)
    assert not set(counted) & STOP_WORDS


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=2, max_size=10), st.integers(1, 10_000), max_size=300))
def test_the_same_terms_are_the_same_bytes_in_any_order(counted: dict[str, int]) -> None:
    backwards = Counter(dict(reversed(counted.items())))
    assert terms.encode(Counter(counted)) == terms.encode(backwards)

"""Word pieces as BERT cuts them: what another implementation made of the same texts, written down."""

from __future__ import annotations

import pytest

from commonplace.meaning.minilm.wordpiece import UNKNOWN, WordPieces


@pytest.fixture(scope="module")
def pieces() -> WordPieces:
    return WordPieces()


EXPECTED: list[tuple[str, list[int]]] = [
    ("What did I want to bake?", [101, 2054, 2106, 1045, 2215, 2000, 8670, 3489, 1029, 102]),
    (
        "Don't re-run `npm install`; it's slow.",
        [
            101,
            2123,
            1005,
            1056,
            2128,
            1011,
            2448,
            1036,
            27937,
            2213,
            16500,
            1036,
            1025,
            2009,
            1005,
            1055,
            4030,
            1012,
            102,
        ],
    ),
    ("café naïve Übermut", [101, 7668, 15743, 19169, 28120, 102]),
    ("東京 tower", [101, 1879, 1755, 3578, 102]),
    ("unaffable tokenization", [101, 14477, 20961, 3468, 19204, 3989, 102]),
    ("x² + y² = 25 €", [101, 1060, 10701, 1009, 1061, 10701, 1027, 2423, 1574, 102]),
    ('"quoted" (and) #tagged', [101, 1000, 9339, 1000, 1006, 1998, 1007, 1001, 26610, 102]),
]


@pytest.mark.parametrize(("text", "expected"), EXPECTED)
def test_a_text_is_cut_as_another_implementation_cuts_it(pieces: WordPieces, text: str, expected: list[int]) -> None:
    assert pieces(text, 256) == expected


def test_a_word_that_cannot_be_cut_is_unknown_and_a_very_long_one_too(pieces: WordPieces) -> None:
    assert pieces("\U0001f984", 8)[1:-1] == [UNKNOWN]
    assert pieces("a" * 101, 8)[1:-1] == [UNKNOWN]


def test_the_marks_of_beginning_and_end_stay_however_long_the_text(pieces: WordPieces) -> None:
    found = pieces("word " * 1000, 16)
    assert (len(found), found[0], found[-1]) == (16, 101, 102)

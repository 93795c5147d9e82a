"""Citations are checked as an answer arrives, however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.answers.citations import Citations


def _checked(pieces: list[str], sources: int = 3) -> tuple[str, list[int], list[int]]:
    citations = Citations(sources)
    text = "".join([citations.feed(piece) for piece in pieces] + [citations.finish()])
    return text, citations.cited, citations.removed


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Two hours [1].", ("Two hours [1].", [1], [])),
        ("Two hours [9].", ("Two hours.", [], [9])),
        ("Both [2][1] and [2].", ("Both [2][1] and [2].", [2, 1], [])),
        ("Many [1, 7, 3].", ("Many [1, 3].", [1, 3], [7])),
        ("Nothing [0] or [999999].", ("Nothing or.", [], [0, 999999])),
        ("A list [x] and code a[1] and [ ] stay.", ("A list [x] and code a[1] and [ ] stay.", [1], [])),
        ("パンは【1】、［2］。", ("パンは[1]、[2]。", [1, 2], [])),
        ("Two hours 【2†L4-L9】 【8†source】.", ("Two hours [2].", [2], [8])),
        ("All [1-3], [2–4]; [1; 3].", ("All [1-3], [2, 3]; [1; 3].", [1, 2, 3], [4])),
        ("Use `items[0]` [2].", ("Use `items[0]` [2].", [2], [])),
        ("``a`[7]`` but [7]", ("``a`[7]`` but", [], [7])),
        ("```\nitems[0][9]\n```\n[9] [1]", ("```\nitems[0][9]\n```\n [1]", [1], [9])),
        ("A lone ` does not hide\n[9] [1]", ("A lone ` does not hide\n [1]", [1], [9])),
        ("It ends with [", ("It ends with [", [], [])),
        ("It ends [2", ("It ends [2", [], [])),
        ("", ("", [], [])),
    ],
)
def test_what_was_not_a_source_is_taken_out_and_reported(
    answer: str, expected: tuple[str, list[int], list[int]]
) -> None:
    assert _checked([answer]) == expected


@given(st.lists(st.text(alphabet="ab [],12345\n.`【】†-", max_size=12), max_size=12))
def test_how_an_answer_is_cut_makes_no_difference(pieces: list[str]) -> None:
    assert _checked(pieces) == _checked(["".join(pieces)])


@given(st.text(alphabet="ab .\n\t[]`【†", max_size=80))
def test_what_cites_nothing_comes_out_as_it_was(text: str) -> None:
    assert _checked(list(text)) == (text, [], [])


def test_text_is_shown_while_it_arrives() -> None:
    citations = Citations(2)
    assert citations.feed("Let it rise for two hours") == "Let it rise for two hours"
    assert citations.feed(" [") == ""
    assert citations.feed("2") == ""
    assert citations.feed("], then") == " [2], then"


def test_an_answer_cannot_speak_to_the_terminal() -> None:
    checked = Citations(1)
    assert checked.feed("A\x1b[2J rye\x07 loaf\r\n[1]") + checked.finish() == "A[2J rye loaf\n[1]"

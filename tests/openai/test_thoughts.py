"""What a model thinks aloud is left out of its answer, however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.openai.thoughts import Thoughts


def _said(pieces: list[str]) -> str:
    thoughts = Thoughts()
    return "".join([*map(thoughts.feed, pieces), thoughts.finish()])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("Rye.", "Rye."),
        ("  Rye.", "  Rye."),
        ("\n<think>\nHm.\n</think>\n\nRye.", "Rye."),
        ("<thinking>a</think>b</thinking>Rye.", "Rye."),
        ("<think>a</think> <think>b</think> Rye.", "Rye."),
        ("<think></think><think>", ""),
        ("<think>", ""),
        ("<think>a</thin", ""),
        ("<thi", "<thi"),
        ("<thorn> is a letter", "<thorn> is a letter"),
        ("Rye. <think>a</think>", "Rye. <think>a</think>"),
        ("", ""),
    ],
)
def test_thoughts_come_first_and_between_marks(told: str, said: str) -> None:
    assert _said([told]) == _said(list(told)) == said


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<thinking>", "</", "<th", "ink>", " ", "a"]), max_size=12),
    st.data(),
)
def test_how_an_answer_is_cut_makes_no_difference(parts: list[str], data: st.DataObject) -> None:
    told = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=6)))
    pieces = [told[start:end] for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]
    assert _said(pieces) == _said([told])

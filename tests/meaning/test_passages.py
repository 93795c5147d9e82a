"""Passages are pieces of what was said: all of it, nothing twice, whatever it is."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from commonplace.meaning.passages import READ, WHOLE, Passage, Said, clean, cut, passages

LONGEST = 60
anything = st.text(max_size=2000) | st.text(alphabet="ab .!?\n|`文字。\ud800\x00", max_size=2000)


def _words(text: str) -> str:
    return "".join(text.split())


@given(anything)
@example("```\nprint(1)\n```\n| a | b |\n|---|---|\n")
@example("```never closed. One. Two.")
@example("x" * 500)
@example("無" * 500 + "。")
def test_passages_are_in_order_and_hold_every_word_once(text: str) -> None:
    spans = list(cut(text, LONGEST))
    assert all(start < stop for start, stop in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert _words("".join(text[start:stop] for start, stop in spans)) == _words(text)


@given(anything)
def test_no_passage_is_longer_than_a_block_may_be(text: str) -> None:
    assert all(stop - start <= LONGEST * WHOLE for start, stop in cut(text, LONGEST))


@given(st.lists(anything, max_size=4), anything)
def test_a_new_message_leaves_the_passages_of_the_others_as_they_are(said: list[str], new: str) -> None:
    messages = [Said(key, text) for key, text in enumerate(said)]
    before = list(passages("A title", messages, longest=LONGEST))
    after = list(passages("A title", [*messages, Said(99, new)], longest=LONGEST))
    assert after[: len(before)] == before
    assert all(passage.message_key == 99 for passage in after[len(before) :])


@given(anything)
def test_every_passage_says_where_it_stands_and_has_a_digest(text: str) -> None:
    for passage in passages(None, [Said(7, text)], longest=LONGEST):
        assert passage.text == clean(text[passage.start : passage.stop])
        assert any(map(str.isalnum, passage.text))
        assert len(passage.digest) == 16


@given(anything)
def test_cleaned_text_can_be_encoded_and_has_no_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in cleaned.encode().decode())


def _texts(text: str, longest: int = LONGEST) -> list[str]:
    return [passage.text for passage in passages(None, [Said(1, text)], longest=longest)]


def test_sentences_stay_together_as_long_as_they_fit() -> None:
    text = "One is short. Two is too. This third sentence would be one too many for them."
    assert _texts(text) == ["One is short. Two is too.", "This third sentence would be one too many for them."]


def test_code_and_tables_stay_whole() -> None:
    code = "```python\nfor number in range(10):\n    print(number)\n\nprint('that was it.')\n```"
    table = "| item | euros |\n|---|---:|\n| oak. A good one | 900 |"
    assert _texts(f"Look at this.\n\n{code}\n{table}\nDone.") == [
        "Look at this.",
        " ".join(code.split()),
        " ".join(table.split()),
        "Done.",
    ]


def test_a_script_without_spaces_is_cut_by_characters_and_shorter() -> None:
    pieces = _texts("西宁出发环线七天带六岁孩子高反怎么安排住宿" * 10)
    assert max(map(len, pieces)) == LONGEST // 2


def test_the_title_is_a_passage_of_its_own() -> None:
    assert next(iter(passages("Bread", [], longest=LONGEST))) == Passage(None, 0, 5, "Bread")


def test_of_a_pasted_megabyte_only_the_beginning_is_read() -> None:
    assert sum(stop - start for start, stop in cut("log line 17\n" * 90_000, 200)) <= READ

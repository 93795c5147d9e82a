"""What is shown around a message that was found."""

from __future__ import annotations

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.search import surroundings
from tests.archive.builders import simple_chat


def test_a_piece_of_a_long_message_begins_and_ends_with_whole_words(sqlite_archive: Archive) -> None:
    said = " ".join(f"word{number:04}" for number in range(600))
    merge(sqlite_archive, None, [simple_chat("a", said, "Yes. " * 400)])
    asked = surroundings.Found("chatgpt:a", "a-0", (2_700, 2_710))
    question, answer = surroundings.read(sqlite_archive, asked)
    assert (question.role, answer.role) == ("user", "assistant")
    assert question.text.startswith("… word")
    assert question.text.endswith(" …")
    assert set(question.text.strip("… ").split()) <= set(said.split())
    assert answer.text.startswith("Yes. Yes.")
    assert answer.text.endswith("Yes. …")


def test_a_piece_of_a_script_without_spaces_loses_nothing(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("a", "猫" * 3_000, "はい")])
    question, _ = surroundings.read(sqlite_archive, surroundings.Found("chatgpt:a", "a-0", (1_000, 1_010)))
    assert question.text == f"… {'猫' * (surroundings.BEFORE + 10 + surroundings.AFTER)} …"

"""What judges get to see."""

from __future__ import annotations

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.stages.categorizing.subjects import subjects
from tests.archive.builders import message, simple_chat


def test_subjects_are_the_visible_turns_of_the_active_path(archive: Archive) -> None:
    chat = simple_chat("1", "a", "b", title="T")
    chat.messages += [
        message("tool", "internal", parent="1-1", role="tool"),
        message("hidden", "unseen", parent="tool", role="user", hidden=True),
        message("old", "another branch", parent="1-0", role="assistant", at=1),
        message("end", "z" * 50_000, parent="hidden", role="user", at=9),
    ]
    chat.current_message_id = "end"
    merge(archive, None, [chat])
    (seen,) = subjects(archive, ["chatgpt:1", "chatgpt:9"])
    assert [(turn.role, turn.text[:1]) for turn in seen.turns] == [("user", "a"), ("assistant", "b"), ("user", "z")]
    assert seen.title == "T"
    assert len(seen.turns[2].text) < 12_000
    assert "[…]" in seen.turns[2].text

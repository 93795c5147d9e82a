"""Group chats, tasks of Codex, canvas documents and memories are words too, and are read as conversations."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from tests.fakes.exports import conversation, write_zip
from tests.sources.reading import read_all

TASK = {
    "id": "task_e_1",
    "title": "Mend the parser",
    "turns": [
        {
            "id": "u-1",
            "role": "user",
            "input_items": [{"content": [{"content_type": "text", "text": "Mend it please"}]}],
        },
        {
            "id": "a-1",
            "role": "assistant",
            "branch": "main",
            "turn_status": "completed",
            "output_items": [
                {"type": "message", "content": [{"content_type": "text", "text": "It is mended."}]},
                {"type": "pr", "pr_title": "Mended parser", "output_diff": "diff --git a/x b/x\n+new line"},
            ],
        },
    ],
}
GROUP = {
    "id": "g-1",
    "title": "Trip",
    "participants": ["Ann", "Bo"],
    "messages": [
        {"id": "1", "sender": {"name": "Ann"}, "text": "Where to?", "created_at": "2026-03-01T10:00:00Z"},
        {"id": "2", "author": {"role": "assistant"}, "content": {"parts": ["To the sea, of course."]}},
    ],
}


def others(tmp_path: Path, **files: object) -> list[Conversation]:
    """What is read beside the one ordinary conversation."""
    named = {name.replace("__", "/") + ".json": value for name, value in files.items()}
    found, defects = read_all(write_zip(tmp_path / "x.zip", {"conversations.json": [conversation()], **named}))
    assert defects == []
    return found[1:]


def told(found: Conversation) -> list[tuple[str, str | None, str]]:
    return [(message.role, message.author, message.text) for message in found.messages]


def test_a_task_of_codex_is_a_conversation(tmp_path: Path) -> None:
    (task,) = others(tmp_path, codex=[TASK])
    assert (task.id, task.title, task.extra["kind"]) == ("chatgpt:task_e_1", "Mend the parser", "task")
    diff = "```diff\ndiff --git a/x b/x\n+new line\n```"
    assert told(task) == [
        ("user", None, "Mend it please"),
        ("assistant", None, f"It is mended.\n\nMended parser\n\n{diff}"),
    ]
    assert [message.parent_id for message in task.messages] == [None, "u-1"]
    assert all(message.digest and message.raw for message in task.messages)


def test_a_group_chat_keeps_who_said_what(tmp_path: Path) -> None:
    whole = conversation(key="g-2")
    trip, other = others(tmp_path, group_chats={"chats": [GROUP, whole]})
    assert trip.id == "chatgpt:group_chat-g-1"
    assert told(trip) == [("user", "Ann", "Where to?"), ("assistant", None, "To the sea, of course.")]
    assert trip.extra["participants"] == ["Ann", "Bo"]
    assert trip.created_at == 1_772_359_200_000_000
    assert (other.id, other.extra["kind"], len(other.messages)) == ("chatgpt:g-2", "group_chat", 2)


def test_canvas_documents_are_read(tmp_path: Path) -> None:
    plan = {"id": "d-1", "title": "Plan", "content": "# Plan\n\nSow beans."}
    for document in (*others(tmp_path, textdocs__d1=plan), *others(tmp_path, textdocs=[plan])):
        assert (document.id, document.title) == ("chatgpt:textdoc-d-1", "Plan")
        assert told(document) == [("assistant", None, "# Plan\n\nSow beans.")]


def test_words_of_a_record_beside_its_turns_or_in_place_of_them_are_read(tmp_path: Path) -> None:
    tasks = [
        {"id": "task_e_3", "title": "Build", "prompt": "Why is the build red?", "environment": {"id": "env-1"}},
        {"id": "task_e_4", "instructions": "Be short.", "turns": ["Mend it.", {"role": "assistant", "text": "Done."}]},
    ]
    group = {"id": "g-3", "topic": "Where we go in May", "participants": ["Ann"], "messages": {"text": "To the sea."}}
    first, second, chat = others(tmp_path, codex=tasks, group_chats=[group])
    assert told(first) == [("user", None, "Why is the build red?")]
    assert [text for _, _, text in told(second)] == ["Be short.", "Mend it.", "Done."]
    assert [text for _, _, text in told(chat)] == ["Where we go in May", "To the sea."]


def test_memories_are_one_conversation_whatever_their_shape(tmp_path: Path) -> None:
    shapes = (
        [{"id": "1", "content": "Likes tea."}, "Has a dog."],
        {"memories": [{"memory": "Likes tea."}, "Has a dog."]},
    )
    for place, shape in enumerate(shapes):
        folder = tmp_path / str(place)
        folder.mkdir()
        (memories,) = others(folder, memories=shape)
        assert memories.id == "chatgpt:memories-all"
        assert [message.text for message in memories.messages] == ["Likes tea.", "Has a dog."]


def test_a_record_that_says_nothing_is_empty_and_one_without_an_id_a_defect(tmp_path: Path) -> None:
    files = {"conversations.json": [conversation()], "codex.json": [{"id": "task_e_2", "turns": []}, {"turns": []}, 7]}
    found, defects = read_all(write_zip(tmp_path / "x.zip", files))
    assert [(one.external_id, len(one.messages)) for one in found] == [("c-1", 2), ("task_e_2", 0)]
    assert [(one.file, one.item, one.reason) for one in defects] == [
        ("codex.json", "#1", "without an id"),
        ("codex.json", "#2", "not an object"),
    ]

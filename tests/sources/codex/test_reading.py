"""A session of Codex, as it is written line by line."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from tests.fakes.assistants import Json, as_lines, codex_message, codex_record, codex_session
from tests.sources.reading import read_all


def read(tmp_path: Path, *records: Json) -> Conversation:
    path = tmp_path / "rollout.jsonl"
    path.write_bytes(as_lines(list(records)))
    (found,), defects = read_all(path)
    assert defects == []
    return found


def test_what_is_said_stands_there_once(tmp_path: Path) -> None:
    found = read(tmp_path, *codex_session("s"))
    assert [(message.role, message.text) for message in found.messages] == [
        ("user", "Why does the test fail?"),
        ("assistant", "A typo."),
    ]
    assert (found.id, found.project_ref) == ("codex:s", "/home/me/bread-app")


def test_events_count_where_there_are_no_items(tmp_path: Path) -> None:
    found = read(tmp_path, *(record for record in codex_session("s") if record["type"] != "response_item"))
    assert [(message.role, message.text) for message in found.messages] == [
        ("user", "Why does the test fail?"),
        ("assistant", "A typo."),
    ]


def test_surroundings_reasoning_and_tools_are_folded_and_name_nothing(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        codex_session("s")[0],
        codex_record("turn_context", {"model": "gpt-6-codex", "cwd": "/home/me/bread-app"}),
        codex_message("user", "<environment_context>\n  <cwd>/home</cwd>\n</environment_context>"),
        codex_message("user", "Mend it"),
        codex_record("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}),
        codex_record(
            "response_item", {"type": "function_call", "name": "shell", "arguments": '{"cmd": 1}', "call_id": "c"}
        ),
        codex_record("response_item", {"type": "function_call_output", "call_id": "c", "output": "done"}),
    )
    assert [message.role for message in found.messages] == ["user", "user", "assistant", "assistant", "tool"]
    assert found.messages[0].text.startswith("<details><summary>environment context")
    assert (found.title, found.model) == ("Mend it", "gpt-6-codex")


def test_older_sessions_have_bare_items(tmp_path: Path) -> None:
    head = {"id": "s", "timestamp": "2025-05-01T10:00:00Z", "instructions": None}
    bare = [codex_message(role, said)["payload"] for role, said in (("user", "Why?"), ("assistant", "Because."))]
    found = read(tmp_path, head, *bare)
    assert [message.text for message in found.messages] == ["Why?", "Because."]


def test_a_fork_says_what_it_continues(tmp_path: Path) -> None:
    found = read(tmp_path, *codex_session("fork"), *codex_session("origin"))
    assert (found.id, found.extra["continues"]) == ("codex:fork", ["origin"])


def test_what_it_was_told_to_keep_to_is_kept(tmp_path: Path) -> None:
    meta, *others = codex_session("s")
    meta["payload"]["instructions"] = "Use tabs."
    assert read(tmp_path, meta, *others).extra["instructions"] == "Use tabs."


def test_what_the_program_says_and_pictures_that_tools_answer_are_folded(tmp_path: Path) -> None:
    picture = [{"type": "input_text", "text": "Seen"}, {"type": "input_image", "image_url": "data:image/png;base64,AA"}]
    found = read(
        tmp_path,
        codex_session("s")[0],
        codex_message("developer", "Ask before you write."),
        codex_message("user", "<user_shell_command>ls</user_shell_command>"),
        codex_message("user", "Mend it"),
        codex_record("response_item", {"type": "function_call_output", "call_id": "c", "output": picture}),
        codex_record("response_item", {"type": "ghost_snapshot", "ghost_commit": {"id": "x"}}),
        codex_record("response_item", {"type": "compaction", "encrypted_content": "gAAA"}),
    )
    assert [message.role for message in found.messages] == ["system", "user", "user", "tool"]
    assert "<summary>Instructions</summary>" in found.messages[0].text
    assert found.title == "Mend it"
    assert "Seen\n[image]" in found.messages[-1].text
    assert "base64" not in found.messages[-1].text

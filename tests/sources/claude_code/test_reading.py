"""A session of Claude Code, as it is written line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commonplace.model import Conversation
from commonplace.sources.registry import open_export
from tests.fakes.assistants import Json, as_lines, code_record, code_session
from tests.sources.reading import read_all


def read(tmp_path: Path, *records: Json) -> Conversation:
    path = tmp_path / "session.jsonl"
    path.write_bytes(as_lines(list(records)))
    (found,), defects = read_all(path)
    assert defects == []
    return found


def said(role: str, key: str, text: str, parent: str | None = None, **more: Any) -> Json:
    return code_record(key, role, [{"type": "text", "text": text}], parent, **more)


def test_its_project_is_the_folder_that_it_worked_in(tmp_path: Path) -> None:
    found = read(tmp_path, *code_session("s"))
    assert (found.id, found.project_ref, found.title) == (
        "claude_code:s",
        "/home/me/bread-app",
        "Why does the test fail?",
    )


def test_an_answer_that_was_written_while_it_streamed_is_one_message(tmp_path: Path) -> None:
    def streamed(key: str, part: Json) -> Json:
        return code_record(key, "assistant", [], "q", message={"id": "m", "role": "assistant", "content": [part]})

    found = read(
        tmp_path,
        code_record("q", "user", "Why?"),
        streamed("1", {"type": "thinking", "thinking": "Hm"}),
        streamed("2", {"type": "text", "text": "Beca"}),
        streamed("3", {"type": "text", "text": "Because."}),
        streamed("4", {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}),
        code_record("r", "user", [{"type": "tool_result", "tool_use_id": "t", "content": "a.py"}], "4"),
    )
    assert [(message.id, message.role, message.parent_id) for message in found.messages] == [
        ("q", "user", None),
        ("1", "assistant", "q"),
        ("r", "tool", "1"),
    ]
    answer = found.messages[1].text
    assert answer.count("Beca") == 1
    assert "<summary>Tool call: Bash</summary>" in answer
    assert "a.py" in found.messages[2].text


def test_what_the_program_says_for_a_person_is_folded_and_names_nothing(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        code_record("a", "user", "<command-name>/clear</command-name>"),
        said("user", "b", "<system-reminder>Be careful</system-reminder>Mend it", "a"),
        code_record("c", "user", "Caveat", "b", isMeta=True),
    )
    assert found.title == "Mend it"
    assert "<summary>system reminder</summary>" in found.messages[1].text
    assert found.messages[2].is_hidden


def test_sidechains_are_branches_and_an_agents_own_file_is_a_conversation(tmp_path: Path) -> None:
    side = said("user", "x", "Look around", session="s", isSidechain=True)
    found = read(tmp_path, *code_session("s"), side)
    assert found.current_message_id == "s-2"
    assert [message.is_active for message in found.messages] == [True, True, False]
    agents = read(tmp_path, {**side, "agentId": "a1"})
    assert agents.id == "claude_code:s-agent-a1"
    assert agents.extra["agent_of"] == "s"
    assert agents.messages[0].is_active


def test_a_resumed_session_says_what_it_continues(tmp_path: Path) -> None:
    again = code_record("n", "user", "And now?", "s-2", session="new")
    found = read(tmp_path, *code_session("s"), again)
    assert (found.id, found.extra["continues"], len(found.messages)) == ("claude_code:new", ["s"], 3)


def test_a_session_that_is_still_being_written_is_read_to_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    whole = as_lines(code_session("s"))
    path.write_bytes(whole + b'{"type": "user", "uuid": "half')
    (before,), defects = read_all(path)
    assert (len(before.messages), defects) == (2, [])
    path.write_bytes(whole + as_lines([code_record("s-3", "user", "Thanks", "s-2", "s")]))
    (after,), _ = read_all(path)
    assert [message.id for message in after.messages] == ["s-1", "s-2", "s-3"]


def test_a_damaged_line_costs_no_other_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    first, second = code_session("s")
    path.write_bytes(as_lines([first]) + b'{"type": \n' + as_lines([second]))
    with open_export(path) as export:
        (found,) = export.conversations()
        assert isinstance(found, Conversation)
        assert len(found.messages) == 2
        assert export.unfamiliar == {"line.damaged": 1}


def test_titles_come_from_summaries_and_long_output_is_cut_but_kept(tmp_path: Path) -> None:
    result = [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x y " * 10_000}]}]
    summary = {"type": "summary", "summary": "The bread app", "leafUuid": "r"}
    found = read(tmp_path, summary, *code_session("s"), code_record("r", "user", result, "s-2"))
    assert found.title == "The bread app"
    assert len(found.messages[-1].text) < 21_000
    assert found.messages[-1].raw is not None
    assert len(found.messages[-1].raw) > 40_000


def test_what_is_typed_while_it_works_is_said_by_the_person_and_what_is_attached_is_hidden(tmp_path: Path) -> None:
    def attached(key: str, parent: str, **attachment: Any) -> Json:
        return code_record(key, "attachment", [], parent, attachment=attachment, message=None)

    found = read(
        tmp_path,
        *code_session("s"),
        attached("a", "s-2", type="skill_listing", content="- bake: bakes bread"),
        attached("b", "a", type="queued_command", prompt="And the fridge?", commandMode="prompt"),
        attached("c", "b", type="queued_command", prompt="A task ended.", commandMode="task-notification"),
        said("assistant", "d", "It is cold.", "c"),
    )
    listing, typed, notice, _ = found.messages[2:]
    assert (typed.role, typed.text, typed.is_hidden) == ("user", "And the fridge?", False)
    assert (listing.role, listing.is_hidden, notice.role, notice.is_hidden) == ("system", True, "system", True)
    assert "bakes bread" in listing.text
    assert all(message.is_active for message in found.messages)


def test_what_the_program_says_under_another_name_is_folded(tmp_path: Path) -> None:
    error = {"model": "<synthetic>", "role": "assistant", "content": [{"type": "text", "text": "API Error: 529"}]}
    found = read(
        tmp_path,
        said("user", "a", "Before this: ovens.", isCompactSummary=True),
        said("user", "b", "Mend it", "a"),
        said("user", "c", "[Request interrupted by user]", "b"),
        code_record("d", "assistant", [], "c", message=error, isApiErrorMessage=True),
    )
    summary, _, interrupted, failed = found.messages
    assert (summary.role, summary.text.startswith("<details>"), found.title) == ("system", True, "Mend it")
    assert interrupted.text == "<details><summary>Request interrupted by user</summary></details>"
    assert "<summary>Error</summary>" in failed.text
    assert found.model is None


def test_a_conversation_hangs_together_across_records_that_say_nothing_or_are_lost(tmp_path: Path) -> None:
    working = {**code_record("w", "progress", [], "s-2"), "data": {"type": "hook_progress"}}
    later = [said("user", "a", "And now?", "w"), said("assistant", "b", "Done.", "lost")]
    found = read(tmp_path, *code_session("s"), working, *later)
    assert [message.parent_id for message in found.messages] == [None, "s-1", "s-2", "a"]
    assert all(message.is_active for message in found.messages)


def test_a_record_that_nobody_knows_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(as_lines([*code_session("s"), {"type": "hologram", "sessionId": "s"}]))
    with open_export(path) as export:
        assert len(list(export.conversations())) == 1
        assert export.unfamiliar == {"record.hologram": 1}

"""What came from several assistants is one archive, and what is said of one of them names no other."""

from __future__ import annotations

from pathlib import Path

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.search.search import search
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.importing.stage import import_paths
from tests.fakes.assistants import as_lines, claude_conversation, claude_message, code_record
from tests.fakes.exports import write_zip


def test_an_export_of_claude_a_history_and_the_sample_are_found_together(
    sqlite_archive: Archive, tmp_path: Path
) -> None:
    archive, history = sqlite_archive, tmp_path / "projects"
    history.mkdir()
    told = claude_conversation("c", claude_message("m", "How do zeppelins land?"))
    claude = write_zip(tmp_path / "claude.zip", {"conversations.json": [told, {"uuid": "b", "chat_messages": 7}]})
    session = [code_record("q", "user", "Draw zeppelins in the canvas", session="s")]
    (history / "s.jsonl").write_bytes(as_lines(session))
    (history / "bad.jsonl").write_bytes(b'{"type": "user", "uuid": "u", "sessionId": 7}\n')
    write_sample(tmp_path / "sample.zip")

    report = import_paths(archive, [claude, history, tmp_path / "sample.zip"])
    assert report.is_balanced
    assert [file.source for file in report.files] == ["claude", "claude_code", "chatgpt"]
    for file in report.files[:2]:
        assert (file.new, file.failed) == (1, 1)
        assert "chatgpt" not in msgspec.json.encode(file).decode().casefold()
    assert {hit.id for hit in search(archive, "zeppelins").results} == {"claude:c", "claude_code:s"}


def test_parts_of_one_export_are_missing_only_where_nobody_brings_them(sqlite_archive: Archive, tmp_path: Path) -> None:
    manifest = {"version": 1, "parts": [{"file": f"part-{number}.zip"} for number in (1, 2, 3, 4)]}
    parts = {
        number: write_zip(
            tmp_path / f"part-{number}.zip",
            {"conversations.json": [claude_conversation(str(number))], "manifest.json": manifest},
        )
        for number in (1, 2, 3)
    }
    together = import_paths(sqlite_archive, [parts[2], parts[1], parts[2]])
    assert (together.new, together.unchanged) == (2, 1)
    assert [one.name for one in together.left_out] == ["part-3.zip", "part-4.zip"]
    later = import_paths(sqlite_archive, [parts[3]])
    assert [one.name for one in later.left_out] == ["part-4.zip"]

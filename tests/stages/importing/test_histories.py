"""Folders of files that hold one conversation each: only what changed since the last import is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.files import files
from commonplace.sources import containers
from commonplace.sources.contract import Item
from commonplace.sources.items import ItemReader
from commonplace.stages.importing.report import ImportReport
from commonplace.stages.importing.stage import import_paths
from tests.archive.builders import bytes_of, contents
from tests.fakes.assistants import as_lines, code_record, code_session, codex_session


def history(folder: Path, *sessions: str) -> Path:
    folder.mkdir(exist_ok=True)
    for session in sessions:
        (folder / f"{session}.jsonl").write_bytes(as_lines(code_session(session)))
    return folder


def go_on(folder: Path, session: str, said: str) -> None:
    with (folder / f"{session}.jsonl").open("ab") as file:
        file.write(as_lines([code_record(f"{session}-{said}", "user", said, f"{session}-2", session=session)]))


def texts(archive: Archive, session: str) -> list[str]:
    found = load_conversation(archive, f"claude_code:{session}")
    assert found is not None
    return [message.text for message in found.messages]


def told(report: ImportReport) -> tuple[int, ...]:
    assert report.is_balanced
    return report.read, report.new, report.changed, report.unchanged, report.failed


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all files that were opened in folders."""
    names: list[str] = []
    for way in ("open", "load"):
        real = getattr(containers.Folder, way)

        def noted(self: containers.Folder, name: str, real: Callable[[containers.Folder, str], Any] = real) -> Any:
            names.append(name)
            return real(self, name)

        monkeypatch.setattr(containers.Folder, way, noted)
    return names


@pytest.mark.parametrize("keep", [True, False])
def test_of_a_history_only_what_changed_is_opened(
    archive: Archive, tmp_path: Path, opened: list[str], keep: bool
) -> None:
    folder = history(tmp_path / "projects", "a", "b", "c")
    assert told(import_paths(archive, [folder], keep_exports=keep)) == (3, 3, 0, 0, 0)
    go_on(folder, "b", "Thanks")
    history(folder, "d")
    opened.clear()
    assert told(import_paths(archive, [folder], keep_exports=keep)) == (4, 1, 1, 2, 0)
    assert set(opened) == {"b.jsonl", "d.jsonl"}
    assert texts(archive, "b")[-1] == "Thanks"


def test_a_history_that_is_as_it_was_is_not_opened_at_all(archive: Archive, tmp_path: Path, opened: list[str]) -> None:
    folder = history(tmp_path / "projects", "a", "b")
    import_paths(archive, [folder])
    opened.clear()
    assert told(import_paths(archive, [folder])) == (2, 0, 0, 2, 0)
    assert opened == []
    go_on(folder, "a", "Thanks")
    assert told(import_paths(archive, [folder])) == (2, 0, 1, 1, 0)


def test_what_is_written_while_it_is_read_is_read_the_next_time(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = history(tmp_path / "projects", "a", "b")
    real = ItemReader.conversations

    def meanwhile(self: ItemReader, *asked: object) -> Iterator[Item]:
        for item in real(self, *asked):  # type: ignore[arg-type]
            go_on(folder, "a", f"Written when {len(list(folder.iterdir()))} were there")
            go_on(folder, "b", "Written too")
            history(folder, "c")
            monkeypatch.undo()
            yield item

    monkeypatch.setattr(ItemReader, "conversations", meanwhile)
    assert told(import_paths(archive, [folder])) == (2, 2, 0, 0, 0)
    assert told(import_paths(archive, [folder]))[0] == 3
    assert "Written when 2 were there" in texts(archive, "a")
    assert "Written too" in texts(archive, "b")
    assert len(texts(archive, "c")) == 2


def test_a_file_that_was_replaced_by_a_shorter_one_takes_nothing_away(archive: Archive, tmp_path: Path) -> None:
    folder = history(tmp_path / "projects", "a")
    go_on(folder, "a", "Thanks")
    import_paths(archive, [folder])
    (folder / "a.jsonl").write_bytes(as_lines(code_session("a")[:1]))
    assert told(import_paths(archive, [folder]))[3] == 1
    assert texts(archive, "a") == ["Why does the test fail?", "A typo.", "Thanks"]


def test_what_was_damaged_is_tried_again_and_the_rest_is_not(
    archive: Archive, tmp_path: Path, opened: list[str]
) -> None:
    folder = history(tmp_path / "projects", "a")
    (folder / "bad.jsonl").write_bytes(b'{"type": "user", "uuid": "u", "sessionId": 7}\n')
    assert told(import_paths(archive, [folder])) == (2, 1, 0, 0, 1)
    opened.clear()
    assert told(import_paths(archive, [folder])) == (2, 0, 0, 1, 1)
    assert set(opened) == {"bad.jsonl"}


def test_each_import_keeps_what_it_read_and_files_without_a_copy_are_kept_when_asked_for(
    archive: Archive, tmp_path: Path
) -> None:
    folder = history(tmp_path / "projects", "a", "b")
    import_paths(archive, [folder], keep_exports=False)
    assert stored_bytes(archive) == []
    import_paths(archive, [folder])
    go_on(folder, "b", "Thanks")
    import_paths(archive, [folder])
    first, second = sorted(stored_bytes(archive), key=len, reverse=True)
    assert b"a.jsonl" in first
    assert b"b.jsonl" in first
    assert b"a.jsonl" not in second
    assert b"Thanks" in second


def test_what_went_with_the_kept_exports_is_kept_again(archive: Archive, tmp_path: Path) -> None:
    folder = history(tmp_path / "projects", "a", "b")
    import_paths(archive, [folder])
    forget(archive, purge_exports=True)
    assert stored_bytes(archive) == []
    go_on(folder, "b", "Thanks")
    import_paths(archive, [folder])
    (kept,) = stored_bytes(archive)
    assert b"a.jsonl" in kept
    assert b"Thanks" in kept


def test_a_renamed_file_and_one_of_another_moment_are_read(archive: Archive, tmp_path: Path, opened: list[str]) -> None:
    folder = history(tmp_path / "projects", "a", "b")
    import_paths(archive, [folder])
    opened.clear()
    (folder / "a.jsonl").rename(folder / "z.jsonl")
    os.utime(folder / "b.jsonl", ns=(1, 1))
    assert told(import_paths(archive, [folder])) == (2, 0, 0, 2, 0)
    assert set(opened) == {"b.jsonl", "z.jsonl"}


def test_sessions_of_codex_are_opened_once_as_well(archive: Archive, tmp_path: Path, opened: list[str]) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    for session in ("a", "b"):
        (folder / f"rollout-{session}.jsonl").write_bytes(as_lines(codex_session(session)))
    import_paths(archive, [folder])
    (folder / "rollout-c.jsonl").write_bytes(as_lines(codex_session("c")))
    opened.clear()
    assert told(import_paths(archive, [folder])) == (3, 1, 0, 2, 0)
    assert set(opened) == {"rollout-c.jsonl"}
    before = contents(archive)
    import_paths(archive, [folder])
    assert contents(archive) == before


def stored_bytes(archive: Archive) -> list[bytes]:
    return [bytes_of(archive, sha256) for sha256 in files.there(archive)]

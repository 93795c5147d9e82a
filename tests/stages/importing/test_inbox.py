"""The inbox: what is still growing waits, and what was imported is moved on with its report."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.session import Session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.importing.inbox import move_on, waiting_in
from commonplace.stages.importing.report import FileReport
from commonplace.stages.importing.stage import import_exports


def settled(path: Path) -> Path:
    os.utime(path, (time.time() - 60,) * 2)
    return path


def test_a_file_that_is_still_growing_is_left(tmp_path: Path) -> None:
    (tmp_path / "growing.zip").write_bytes(b"half")
    assert waiting_in(tmp_path) == []


def test_the_oldest_comes_first_and_hidden_files_never(tmp_path: Path) -> None:
    for age, name in enumerate(("new.zip", "old.zip", ".hidden")):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - 60 - age,) * 2)
    assert [path.name for path in waiting_in(tmp_path)] == ["old.zip", "new.zip"]


def test_a_second_file_of_a_name_does_not_replace_the_first(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        (tmp_path / "export.zip").write_bytes(text)
        move_on(tmp_path / "export.zip", tmp_path, FileReport(file="export.zip"))
    assert sorted(path.read_bytes() for path in (tmp_path / "done").glob("*.zip")) == [b"one", b"two"]


def test_an_import_empties_the_inbox_into_done_and_failed(sqlite_archive: Archive, tmp_path: Path) -> None:
    settings, environment = load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    settings.inbox.mkdir()
    write_sample(settings.inbox / "good.zip", conversations=3)
    (settings.inbox / "bad.zip").write_bytes(b"this is no zip")
    for path in settings.inbox.iterdir():
        settled(path)
    report = import_exports(Session(settings, environment, sqlite_archive))
    assert (report.new, report.failed, report.stopped) == (3, 1, None)
    assert [file.refusal for file in report.files if file.refusal] == report.errors
    assert json.loads((settings.inbox / "done" / "good.zip.report.json").read_text())["new"] == 3
    assert json.loads((settings.inbox / "failed" / "bad.zip.report.json").read_text())["refusal"] == report.errors[0]
    assert waiting_in(settings.inbox) == []

"""What comes into a watched folder: taken when it is an export and whole, copied, and otherwise left alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive import leases, watched
from commonplace.archive.care.backup import backup
from commonplace.archive.care.restore import restore
from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.config import load
from commonplace.session import Session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.importing.stage import import_paths
from commonplace.stages.watching import listing, looking
from commonplace.stages.watching.stage import ONE_BY_ONE, WatchReport, watch
from tests.fakes.assistants import as_lines, claude_conversation, code_record, code_session, codex_session
from tests.fakes.exports import as_json, conversation, write_json


class Downloads:
    """A watched folder, a home with histories, and the archive that looks at both."""

    def __init__(self, archive: Archive, home: Path) -> None:
        self.archive, self.home, self.folder = archive, home, home / "Downloads"
        self.sessions = home / "agent" / "projects" / "-home-me-bread-app"
        self.sessions.mkdir(parents=True)
        self.folder.mkdir()
        (home / "commonplace.toml").write_text(
            f'[watch]\nfolders = ["{self.folder}"]\nhistories = ["claude_code", "codex"]\n'
        )
        variables = {
            "COMMONPLACE_HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(home / "agent"),
            "CODEX_HOME": str(home / "codex"),
        }
        self.session = Session(*load(variables, folder=home), archive)

    def look(self) -> WatchReport:
        report = watch(self.session)
        assert report.stopped is None
        return report

    def titles(self) -> object:
        return statistics.totals(self.archive)["conversations"]


@pytest.fixture
def downloads(sqlite_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """Where everything rests long enough: what waits for that is tested by itself."""
    monkeypatch.setattr(listing, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(listing, "HISTORY_QUIET_SECONDS", 0.0)
    home = tmp_path / "person"
    home.mkdir()
    return Downloads(sqlite_archive, home)


def test_an_export_is_taken_whatever_it_is_called_and_stays_where_it_is(downloads: Downloads) -> None:
    write_sample(downloads.folder / "sample.zip", conversations=3)
    (downloads.folder / "sample.zip").rename(downloads.folder / "holiday pictures")
    (downloads.folder / "recipes.json").write_bytes(as_json({"recipes": ["bread"]}))
    (downloads.folder / "thesis.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    before = {path.name: path.read_bytes() for path in downloads.folder.iterdir()}
    report = downloads.look()
    assert (report.new, report.failed, [file.file for file in report.files]) == (3, 0, ["holiday pictures"])
    assert {path.name: path.read_bytes() for path in downloads.folder.iterdir()} == before
    (kept,) = imports.history(downloads.archive)
    assert imports.is_kept(downloads.archive, kept)
    assert [found.name for found in watched.exports(downloads.archive)] == ["holiday pictures"]


def test_half_an_export_waits_for_its_other_half(downloads: Downloads, tmp_path: Path) -> None:
    write_sample(tmp_path / "whole.zip", conversations=3)
    lists = {"export.zip": (tmp_path / "whole.zip").read_bytes(), "chats.json": as_json([claude_conversation("a")])}
    for name, whole in lists.items():
        (downloads.folder / name).write_bytes(whole[: len(whole) * 2 // 3])
    assert downloads.look().files == []
    for name, whole in lists.items():
        with (downloads.folder / name).open("ab") as file:
            file.write(whole[len(whole) * 2 // 3 :])
    assert downloads.look().new == 4


def test_what_was_written_to_a_moment_ago_is_looked_at_when_it_rests(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "QUIET_SECONDS", 3600.0)
    path = write_json(downloads.folder / "conversations.json", conversation())
    os.utime(path, (0, 0))  # a copy may keep the time of its original
    looked = looking.look(downloads.session)
    assert (looked.take, looked.opened) == ([], 0)
    assert looked.again_in is not None
    assert 0 < looked.again_in <= 3600
    monkeypatch.setattr(listing, "QUIET_SECONDS", 0.0)
    assert [each.path for each in looking.look(downloads.session).take] == [path]


def test_links_pipes_hidden_and_unfinished_files_are_not_opened(downloads: Downloads, tmp_path: Path) -> None:
    write_sample(tmp_path / "elsewhere.zip", conversations=3)
    (downloads.folder / "link.zip").symlink_to(tmp_path / "elsewhere.zip")
    (downloads.folder / "folder").symlink_to(tmp_path)
    (downloads.sessions / "link.jsonl").symlink_to(tmp_path / "elsewhere.zip")
    os.mkfifo(downloads.folder / "pipe.zip")
    os.mkfifo(downloads.sessions / "pipe.jsonl")
    for name in (".export.zip", "export.zip.part", "export.zip.crdownload"):
        shutil.copy(tmp_path / "elsewhere.zip", downloads.folder / name)
    report = downloads.look()
    assert (report.looked_at, report.opened, report.files) == (0, 0, [])


def test_an_unpacked_export_is_taken_and_a_hostile_one_is_not(downloads: Downloads, tmp_path: Path) -> None:
    unpacked = downloads.folder / "chatgpt-export"
    unpacked.mkdir()
    write_json(unpacked / "conversations.json", conversation())
    hostile = downloads.folder / "hostile"
    hostile.mkdir()
    write_json(hostile / "conversations.json", conversation(key="hostile"))
    (hostile / "secrets").symlink_to(tmp_path)
    assert [file.file for file in downloads.look().files] == ["chatgpt-export"]


def test_a_folder_that_disappears_is_told_and_leaves_the_others_alone(downloads: Downloads) -> None:
    (downloads.sessions / "s.jsonl").write_bytes(as_lines(code_session("s")))
    write_json(downloads.folder / "conversations.json", conversation())
    assert downloads.look().new == 2
    away = downloads.folder.rename(downloads.home / "away")
    (downloads.sessions / "t.jsonl").write_bytes(as_lines(code_session("t")))
    report = downloads.look()
    assert (report.new, str(downloads.folder) in report.missing) == (1, True)
    away.rename(downloads.folder)
    assert (downloads.look().opened, downloads.titles()) == (0, 3)  # it is known what was in it


def test_a_file_that_was_imported_by_hand_is_not_imported_again(downloads: Downloads) -> None:
    path = write_json(downloads.folder / "conversations.json", conversation())
    import_paths(downloads.archive, [path])
    assert (downloads.look().opened, len(imports.history(downloads.archive))) == (1, 1)
    assert downloads.look().opened == 0


def test_what_came_after_a_backup_comes_in_again_when_that_is_restored(downloads: Downloads, tmp_path: Path) -> None:
    backup(downloads.archive, tmp_path / "before.commonplace")
    write_json(downloads.folder / "conversations.json", conversation())
    assert downloads.look().new == 1
    restore(downloads.archive, tmp_path / "before.commonplace", force=True)
    assert downloads.look().new == 1


def test_a_session_is_read_again_when_it_went_on_and_no_copy_is_kept(downloads: Downloads) -> None:
    file = downloads.sessions / "s.jsonl"
    file.write_bytes(as_lines(code_session("s")))
    codex = downloads.home / "codex" / "sessions" / "2026" / "03"
    codex.mkdir(parents=True)
    (codex / "rollout-c.jsonl").write_bytes(as_lines(codex_session("c")))
    (downloads.sessions / "notes.jsonl").write_bytes(b'{"note": "no session"}\n')
    assert (first := downloads.look()).new == 2
    assert first.errors == []
    with file.open("ab") as session:
        session.write(as_lines([code_record("s-3", "user", "And now?", "s-2", "s")]) + b'{"type": "assis')
    again = downloads.look()
    assert (again.new, again.changed, again.opened) == (0, 1, 1)
    assert not any(imports.is_kept(downloads.archive, record) for record in imports.history(downloads.archive))


def test_a_long_history_is_one_import(downloads: Downloads) -> None:
    for number in range(ONE_BY_ONE + 1):
        (downloads.sessions / f"{number}.jsonl").write_bytes(as_lines(code_session(f"s{number}")))
    report = downloads.look()
    assert (report.new, len(report.files)) == (ONE_BY_ONE + 1, 1)
    assert downloads.look().opened == 0


def test_a_long_history_that_is_refused_as_a_whole_is_read_one_by_one(downloads: Downloads, tmp_path: Path) -> None:
    for number in range(ONE_BY_ONE + 1):
        (downloads.sessions / f"{number}.jsonl").write_bytes(as_lines(code_session(f"s{number}")))
    (downloads.sessions / "elsewhere").symlink_to(tmp_path)
    assert downloads.look().new == ONE_BY_ONE + 1


def test_while_another_import_runs_nothing_is_taken_and_nothing_lost(downloads: Downloads) -> None:
    write_json(downloads.folder / "conversations.json", conversation())
    with leases.hold(downloads.archive, leases.importing(downloads.archive.owner)):
        report = downloads.look()
    assert (report.is_busy, report.read) == (True, 0)
    assert downloads.look().new == 1


def test_unchanged_files_are_not_opened(downloads: Downloads, opened: list[Path]) -> None:
    for number in range(40):
        (downloads.folder / f"{number}.json").write_bytes(b"{}")
        (downloads.sessions / f"{number}.jsonl").write_bytes(as_lines(code_session(f"s{number}")))
    assert downloads.look().opened == 80
    assert len(opened) >= 80
    opened.clear()
    assert (downloads.look().looked_at, opened) == (80, [])


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is opened to be read."""
    paths: list[Path] = []
    plain = Path.open

    def noting(path: Path, *args: Any, **options: Any) -> Any:
        paths.append(path)
        return plain(path, *args, **options)

    monkeypatch.setattr(Path, "open", noting)
    return paths


def test_a_folder_of_many_files_keeps_nobody_waiting(downloads: Downloads) -> None:
    for number in range(50):
        (downloads.folder / f"{number}.json").write_bytes(b"{}")
    looked = looking.look(downloads.session, seconds=-1.0)
    assert (looked.opened, looked.files, looked.again_in) == (0, 50, 0.0)
    assert looking.look(downloads.session).opened == 50


def test_what_is_gone_is_forgotten(downloads: Downloads) -> None:
    path = write_json(downloads.folder / "conversations.json", conversation())
    downloads.look()
    path.unlink()
    downloads.look()
    assert watched.known(downloads.archive, str(downloads.folder)) == {}
    assert downloads.titles() == 1

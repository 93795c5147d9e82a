"""While the server runs, what comes into a watched folder is noticed, and a run is asked for that takes it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from commonplace import runs
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.session import Session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.watching import listing
from commonplace.stages.watching.stage import watch
from commonplace.web import nudging, watching
from commonplace.web.watching import Watcher
from tests.fakes.assistants import as_lines, code_session


def test_an_export_is_noticed_in_two_halves_and_in_a_folder_that_comes_later(
    sqlite_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Semaphore(0)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(nudging, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(listing, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(watching, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(runs, "connect", lambda settings: None)
    monkeypatch.setattr(runs, "start", lambda deployment, parameters: asked.release())
    downloads = tmp_path / "Downloads"
    (tmp_path / "commonplace.toml").write_text(f'[watch]\nfolders = ["{downloads}"]\n')
    write_sample(tmp_path / "sample.zip", conversations=3)
    whole = (tmp_path / "sample.zip").read_bytes()
    watcher = Watcher(Session(*load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path), sqlite_archive))
    watcher.start()
    try:
        downloads.mkdir()
        (downloads / "other.txt").write_bytes(b"nothing")
        (downloads / "export.zip").write_bytes(whole[:1000])
        assert not asked.acquire(timeout=1.0)
        with (downloads / "export.zip").open("ab") as file:
            file.write(whole[1000:])
        assert asked.acquire(timeout=300)
        shutil.rmtree(downloads)
        downloads.mkdir()
        shutil.copy(tmp_path / "sample.zip", downloads / "again.zip")
        assert asked.acquire(timeout=300)
    finally:
        watcher.stop()
    assert not any(thread.is_alive() for thread in watcher._threads)


def test_a_session_comes_in_by_itself_within_a_minute_of_its_last_word(
    sqlite_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = (listing.HISTORY_QUIET_SECONDS, watching.HEARTBEAT_SECONDS, watching.PAUSE_SECONDS, nudging.PAUSE_SECONDS)
    assert sum(waits) <= 45, "the rest of the minute is for the run to start and to do it"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(nudging, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(listing, "HISTORY_QUIET_SECONDS", 0.2)
    monkeypatch.setattr(watching, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(runs, "connect", lambda settings: None)
    (tmp_path / "commonplace.toml").write_text('[watch]\nhistories = ["claude_code"]\n')
    variables = {"COMMONPLACE_HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path / "agent")}
    session = Session(*load(variables, folder=tmp_path), sqlite_archive)
    came = threading.Semaphore(0)

    def run(deployment: str, parameters: dict[str, object]) -> None:
        if watch(session).new:
            came.release()

    monkeypatch.setattr(runs, "start", run)
    watcher = Watcher(session)
    watcher.start()
    try:
        folder = tmp_path / "agent" / "projects" / "-home-me-bread-app"
        folder.mkdir(parents=True)
        (folder / "s.jsonl").write_bytes(as_lines(code_session("s")))
        assert came.acquire(timeout=300)
    finally:
        watcher.stop()
    assert load_conversation(sqlite_archive, "claude_code:s") is not None

"""`commonplace watch`: what came in is taken in, and what keeps it from that is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonplace.archive import leases
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.cli import app
from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.watching import listing


@pytest.fixture(autouse=True)
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watched folder into which an export has come."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    write_sample(downloads / "export.zip", conversations=2)
    monkeypatch.setenv("COMMONPLACE_SETTINGS", f"[watch]\nfolders = [{json.dumps(str(downloads))}]\n")


def test_while_another_import_runs_a_look_says_so_and_the_next_takes_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "QUIET_SECONDS", 0.0)
    with open_session() as (_, _, archive), leases.hold(archive, leases.importing(archive.owner)):
        busy = CliRunner().invoke(app, ["watch", "--direct"])
    assert (busy.exit_code, "Another import is under way" in busy.stderr) == (0, True)
    taken = CliRunner().invoke(app, ["watch", "--direct"])
    assert "Another import" not in taken.stderr
    with open_session() as (_, _, archive):
        assert len(conversation_ids(archive)) == 2


def test_a_file_that_came_this_moment_is_left_to_the_next_look_and_a_person_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "QUIET_SECONDS", 3600.0)
    looked = CliRunner().invoke(app, ["watch", "--direct"])
    assert looked.exit_code == 0
    assert "may not be whole yet: 1." in looked.stderr

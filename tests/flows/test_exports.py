"""The runs that take in what came into watched folders, and that remind of the next export."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack.processes import Process
from commonplace.stages.watching import listing
from flows.exports.remind import remind_export
from flows.exports.watch import watch


def test_a_run_takes_in_what_is_new_and_the_next_one_opens_nothing(
    prefect_api: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "QUIET_SECONDS", 0.0)
    downloads = tmp_path / "Downloads"
    downloads.mkdir()
    home = Path(os.environ["COMMONPLACE_HOME"])
    home.mkdir(exist_ok=True)
    (home / "commonplace.toml").write_text(f'[watch]\nfolders = ["{downloads}", "{tmp_path}/nowhere"]\n')
    write_sample(downloads / "export.zip", conversations=3)
    first = watch()
    assert (first["new"], first["failed"], first["missing"]) == (3, 0, [f"{tmp_path}/nowhere"])
    second = watch(return_state=True)
    assert second.message == "watch: nothing new"
    assert second.result()["opened"] == 0


def test_a_run_that_has_nobody_to_remind_says_so(prefect_api: Process) -> None:
    state = remind_export(return_state=True)
    assert state.message == "remind: 0 told of, 0 wait for a click"
    assert (state.result()["mails"], state.result()["errors"]) == (0, [])

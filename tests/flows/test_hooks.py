"""Runs note what hooks are told, and a run of its own tells it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from commonplace import whose
from commonplace.archive.access import users
from commonplace.config import HookSettings
from commonplace.config.files import dotenv_of, keep_typed
from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack.processes import Process
from commonplace.stages import hooks
from flows.hooks.delivering import deliver_hooks
from flows.import_exports import import_exports
from flows.sync import sync
from tests.fakes.hooked import Hooked


def test_what_runs_did_is_told_in_counts(prefect_api: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sample(tmp_path / "sample.zip", conversations=5)
    with Hooked() as hooked:
        config = tmp_path / "commonplace.toml"
        config.write_text(f'[hooks.mine]\nurl = "{hooked.address}/x"\nallow_private = true\n')
        monkeypatch.setenv("COMMONPLACE_CONFIG", str(config))
        monkeypatch.setenv("COMMONPLACE_HOOK_MINE_SECRET", "whsec_" + base64.b64encode(b"s" * 32).decode())
        import_exports(paths=[str(tmp_path / "sample.zip")])
        sync(destination="markdown")
        report = deliver_hooks()
        told = {(event := json.loads(body))["type"]: event["data"] for _, body in hooked.came}
    assert report["delivered"] == len(hooked.came) == 2
    assert told["import.completed"]["new"] == 5
    assert told["sync.completed"]["created"] == 5
    assert told["sync.completed"]["destination"] == "markdown"
    assert told["import.completed"]["run_id"]
    assert "title" not in str(told)


def test_everybodys_hooks_are_told_of_what_is_theirs(
    prefect_api: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path / "sample.zip", conversations=5)
    with Hooked() as hooked, open_session() as session:
        theirs = whose.of(session, users.add_user(session.archive, "ada", None).owner)
        hook = HookSettings(url=f"{hooked.address}/x", allow_private=True)
        keep_typed(theirs.settings.home, {hooks.variable_of("hers"): hooks.add(theirs, "hers", hook)})
        import_exports(paths=[str(tmp_path / "sample.zip")])
        assert deliver_hooks()["delivered"] == len(hooked.came) == 0
        import_exports(paths=[str(tmp_path / "sample.zip")], owner="ada")
        assert deliver_hooks()["delivered"] == len(hooked.came) == 1
        bobs = dotenv_of(whose.of(session, users.add_user(session.archive, "bob", None).owner).settings.home)
        bobs.parent.mkdir()
        bobs.write_bytes(b"\xff")  # keeps nobody else from being told
        hooks.queue(theirs, "run.failed", {})
        assert deliver_hooks()["delivered"] == 1
        users.disable(session.archive, theirs.archive.owner)
        hooks.queue(theirs, "run.failed", {})
        assert deliver_hooks()["delivered"] == 0

"""Hooks from the command line, and what an import's run notes for them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.fakes.hooked import Hooked


@pytest.fixture
def hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hooked]:
    with Hooked() as server:
        path = tmp_path / "commonplace.toml"
        path.write_text(f'[hooks.mine]\nurl = "{server.address}/x"\nallow_private = true\n')
        monkeypatch.setenv("COMMONPLACE_CONFIG", str(path))
        monkeypatch.setenv("COMMONPLACE_HOOK_MINE_SECRET", "whsec_" + base64.b64encode(b"s" * 32).decode())
        yield server


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "hooks")


def test_a_hook_is_listed_and_tried(run: Run, hooked: Hooked) -> None:
    code, told = run("list")
    (mine,) = told["hooks"]
    assert (code, mine["name"], mine["events"], mine["waiting"]) == (0, "mine", ["all"], 0)
    assert run("test", "mine") == (0, {"hook": "mine", "status": 200, "taken": True})
    hooked.statuses.append(500)
    assert run("test", "mine") == (1, {"hook": "mine", "status": 500, "taken": False})
    assert run("redeliver", "mine") == (0, {"hook": "mine", "due": 0})
    assert run("test", "other")[1]["error"] == "There is no hook 'other'."


def test_a_hook_that_no_section_names_is_added_and_taken_away(run: Run, hooked: Hooked) -> None:
    near = ("add", "near", f"{hooked.address}/y")
    assert "only where a setting allows it" in run(*near)[1]["hint"]
    assert run("add", "mine", "https://hooks.my-server.org/x")[1]["error"] == "The settings have a hook 'mine'."
    code, told = run(*near, "--allow-private", "--event", "run.failed")
    assert (code, told["secret"][:6]) == (0, "whsec_")
    assert [(each["name"], each["events"], each["problem"]) for each in run("list")[1]["hooks"]] == [
        ("mine", ["all"], ""),
        ("near", ["run.failed"], ""),
    ]
    assert run("test", "near")[0] == 0
    assert run("remove", "near") == (0, {"hook": "near"})
    assert "commonplace.toml" in run("remove", "mine")[1]["hint"]
    assert len(run("list")[1]["hooks"]) == 1

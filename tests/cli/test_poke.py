"""Poke from the first command on: connecting, looking at what would be sent, sending, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.sources.chatgpt.sample import write_sample
from tests.cli.conftest import Run
from tests.fakes.poke import FakePoke


@pytest.fixture
def poke(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePoke]:
    """A Poke on this machine, and an archive of twelve conversations."""
    write_sample(tmp_path / "sample.zip", conversations=12)
    with FakePoke() as server:
        monkeypatch.setenv("POKE_API_KEY", server.key)
        monkeypatch.setenv("POKE_API_ENDPOINT", server.base_url)
        set_up(tmp_path, monkeypatch)
        assert run("import", str(tmp_path / "sample.zip"), "--direct")[0] == 0
        yield server


def set_up(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    path = folder / "commonplace.toml"
    section = ("[destinations.poke]", "allow_loopback = true", "requests_per_minute = 60000", *lines)
    path.write_text("\n".join(section) + "\n")
    monkeypatch.setenv("COMMONPLACE_CONFIG", str(path))


def test_the_first_sync_sends_nothing_old_and_says_so(run: Run, poke: FakePoke) -> None:
    code, report = run("sync", "poke", "--direct")
    assert (code, report["created"], report["baseline"]) == (0, 0, 12)
    assert poke.messages == []
    code, plan = run("sync", "poke", "--all", "--dry-run")
    assert (code, plan["pending"], len(plan["messages"])) == (0, 12, 1)
    assert poke.messages == []
    code, report = run("sync", "poke", "--all", "--direct")
    assert (code, report["created"], report["requests"]) == (0, 12, 1)
    assert report["figures"]["attempts"] == 1
    assert report["figures"]["bytes"] > 0
    assert [body["message"] for body in poke.messages] == plan["messages"]
    assert run("sync", "poke", "--all", "--direct")[1]["requests"] == 0
    code, told = run("poke", "status")
    assert (code, told["sent"], told["messages"], told["undecided"]) == (0, 12, 1, [])


def test_many_messages_need_a_word(run: Run, poke: FakePoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(tmp_path, monkeypatch, 'mode = "each"', "most_messages = 5")
    code, told = run("sync", "poke", "--all", "--direct")
    assert code == 1
    assert told["error"].startswith("That would be 12 messages")
    assert poke.messages == []
    assert run("sync", "poke", "--all", "--limit", "3", "--direct")[1]["created"] == 3
    assert run("sync", "poke", "--all", "--direct", "--yes")[1]["created"] == 9
    assert len(poke.messages) == 12


def test_what_may_have_arrived_is_told_until_somebody_decides(run: Run, poke: FakePoke) -> None:
    poke.failures.append("lost after")
    code, report = run("sync", "poke", "--all", "--direct")
    assert (code, report["uncertain"]) == (1, 1)
    (doubted,) = run("poke", "status")[1]["undecided"]
    assert doubted.startswith("digest:")
    code, report = run("sync", "poke", "--direct", "--accept", doubted)
    assert (code, report["created"], report["undecided"]) == (0, 12, 0)
    assert len(poke.messages) == 1


def test_health_tells_whether_somebody_answers_and_sends_nothing(run: Run, poke: FakePoke) -> None:
    code, told = run("poke", "health")
    assert (code, told["ok"], told["status"]) == (0, True, 405)
    assert poke.arrived == []


def test_connect_makes_a_trigger_once_and_keeps_its_secrets_in_the_home(
    run: Run, poke: FakePoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(tmp_path, monkeypatch, 'mode = "webhook"')
    assert run("sync", "poke", "--direct")[1]["hint"].endswith("`commonplace connect poke`. It makes one.")
    monkeypatch.setattr("commonplace.runs.connect", lambda *_: None)
    saved: dict[str, Any] = {}
    monkeypatch.setattr("commonplace.runs.save_block", lambda name, fields: saved.update(fields) or name)
    code, told = run("connect", "poke")
    assert (code, told["trigger"]) == (0, "t1")
    assert "token-t1" not in str(told)
    assert saved["webhook_token"] == "token-t1"
    assert run("sync", "poke", "--all", "--direct")[1]["created"] == 12
    assert poke.events[0]["count"] == 12
    assert run("connect", "poke")[0] == 0
    assert list(poke.triggers) == ["t1"]


def test_the_names_that_other_systems_use_are_settings_too(
    run: Run, poke: FakePoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POKE_MAX_RETRIES", "0")
    poke.failures.append("429")
    run("sync", "poke", "--all", "--direct")
    assert len(poke.requests) == 1
    monkeypatch.setenv("POKE_INITIAL_BACKOFF", "soon")
    assert "POKE_INITIAL_BACKOFF" in run("sync", "poke", "--direct")[1]["error"]


def test_another_destination_is_not_taken_for_poke(run: Run, poke: FakePoke) -> None:
    assert run("poke", "status", "markdown")[1]["error"] == "The destination 'markdown' is not Poke."

"""When something came in, one run is asked for: soon, not often, and never at the cost of an answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from commonplace import runs
from commonplace.config import Settings, load
from commonplace.errors import Halt
from commonplace.web import nudging
from commonplace.web.nudging import Nudge


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)[0]


class Asked:
    """Notes what is asked for, and can fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: Exception | None = None) -> None:
        self.deployments: list[str] = []
        self.came = threading.Semaphore(0)
        self._fails = fails
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        monkeypatch.setattr(nudging, "PAUSE_SECONDS", 0.05)
        monkeypatch.setattr(runs, "connect", lambda settings: None)
        monkeypatch.setattr(runs, "start", self._start)

    def _start(self, deployment: str, parameters: dict[str, object]) -> None:
        assert parameters == {}  # no text, no uid
        self.deployments.append(deployment)
        self.came.release()
        if self._fails is not None:
            raise self._fails


def test_many_deliveries_ask_for_one_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, nudge = Asked(monkeypatch), Nudge(settings, "receive-omi")
    for _ in range(50):
        nudge()
    nudge.start()
    assert asked.came.acquire(timeout=300)
    nudge.stop()
    nudge._thread.join(30)
    assert asked.deployments == ["receive-omi"]


@pytest.mark.parametrize("error", [Halt("The server does not answer."), RuntimeError("no such thing")])
def test_who_cannot_be_asked_is_asked_again_the_next_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked, nudge = Asked(monkeypatch, fails=error), Nudge(settings, "receive-omi")
    nudge.start()
    for _ in range(2):
        nudge()
        assert asked.came.acquire(timeout=300)
    nudge.stop()
    nudge._thread.join(30)
    assert not nudge._thread.is_alive()


def test_a_server_that_serves_alone_asks_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, nudge = Asked(monkeypatch), Nudge(settings, "receive-omi")
    monkeypatch.delenv("PREFECT_API_URL")
    nudge()
    nudge.start()
    nudge.stop()
    nudge._thread.join(30)
    assert asked.deployments == []

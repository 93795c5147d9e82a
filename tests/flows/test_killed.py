"""kill -9 of the very runs that Prefect makes: the next run does the rest, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonplace.config import Settings
from commonplace.stack import server
from commonplace.stack.processes import Process
from tests.stages import killed
from tests.stages.killing import Place, check_hooks, check_openai, check_poke


class PlaceOfRuns(Place):
    """Whose work is done by runs of the tests' Prefect server: those that are killed in processes of their own."""

    sync = staticmethod(killed.sync_by_flow)
    deliver = staticmethod(killed.deliver_by_flow)

    def finish(self, work: Callable[..., None], *arguments: str) -> None:
        work(self.variables, *arguments)


@pytest.fixture
def new_place(
    prefect_api: Process, server_settings: Settings, new_database: Callable[[str], str], tmp_path: Path
) -> Callable[[], Place]:
    def make() -> Place:
        place = PlaceOfRuns(new_database("sqlite"), tmp_path)
        place.variables = server.client_environment(prefect_api, server_settings) | place.variables
        return place

    return make


def test_conversations_at_openai_are_there_once_after_a_killed_run(
    new_place: Callable[[], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_openai(new_place(), monkeypatch, [15])


@pytest.mark.slow
def test_runs_of_every_kind_are_killed_again_and_again(
    new_place: Callable[[], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_openai(new_place(), monkeypatch, [2, 1, 3, 9, 4])
    check_poke(new_place(), monkeypatch, [1, 2, 3], "each")
    check_poke(new_place(), monkeypatch, [1], "digest")
    check_hooks(new_place(), monkeypatch, [3, 1, 12, 5])

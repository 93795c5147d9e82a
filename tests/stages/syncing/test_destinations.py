"""From the settings to an open destination."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.core import Archive
from commonplace.config import Environment, RunSettings, Settings
from commonplace.stages.syncing.destinations import open_destination
from tests.fakes.notion import FakeNotion


@pytest.mark.parametrize(
    ("runs", "budget"),
    [(RunSettings(workers=4), 180), (RunSettings(task_runner="dask", workers=4), 45)],
    ids=["threads share one governor", "Dask workers divide the budget"],
)
def test_the_budget_of_a_service_holds_for_all_processes_together(
    tmp_path: Path, sqlite_archive: Archive, runs: RunSettings, budget: int
) -> None:
    told: dict[str, Any] = {"home": tmp_path, "database_url": "", "files": "", "runs": runs}
    with FakeNotion() as notion:
        settings = Settings(**told, destinations={"notion": {"database_id": notion.add_database()}})
        environment = Environment({"NOTION_TOKEN": notion.token, "NOTION_BASE_URL": notion.base_url})
        with open_destination(settings, environment, sqlite_archive, "notion") as (destination, _):
            assert destination.client.governor.budget == budget  # type: ignore[attr-defined]

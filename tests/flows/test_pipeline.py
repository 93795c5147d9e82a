"""The pipeline, the backfill and the rest as flows, against a real server and real stages."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from commonplace.archive.opening import open_archive
from commonplace.config import load
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack.processes import Process
from flows.backfill import backfill
from flows.maintain import maintain
from flows.pipeline import STAGES, pipeline
from flows.running import RunFailed
from flows.sync import sync
from tests.fakes.notion import FakeNotion


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.zip"
    write_sample(path, conversations=30)
    return path


def test_the_pipeline_brings_everything_up_to_date_and_then_finds_nothing_to_do(
    prefect_api: Process, sample: Path
) -> None:
    first = pipeline(paths=[str(sample)])
    assert first["import"]["new"] == 30
    assert first["embed"]["embedded"] == 30
    assert first["categorize"]["judged"] == 30
    assert sum(first["map"]["assigned"].values()) + first["map"]["orphans"] + first["map"]["suggested"] >= 30
    assert first["sync markdown"]["created"] == 30
    second = pipeline(paths=[str(sample)])
    assert second["import"]["unchanged"] == 30
    assert second["embed"]["embedded"] == 0
    assert second["categorize"]["judged"] == 0
    assert second["sync markdown"] | {"seconds": 0} == {
        **dict.fromkeys(["created", "updated", "failed", "uncertain", "conflicts", "pulled", "requests", "seconds"], 0),
        **dict.fromkeys(["baseline", "undecided", "left_behind"], 0),
        "destination": "markdown",
        "unchanged": 30,
        "problems": [],
        "stopped": None,
        "hint": None,
        "errors": [],
        "figures": {},
    }


def test_what_a_run_made_is_told_as_prefects_assets(prefect_api: Process, sample: Path) -> None:
    pipeline(paths=[str(sample)], stages=["import", "sync"])
    wanted = {"commonplace://archive", "commonplace://destinations/markdown"}
    asked = {"filter": {"event": {"name": ["prefect.asset.materialization.succeeded"]}}}
    found: set[str] = set()
    with get_client(sync_client=True) as client:
        for _ in range(600):
            told = client.request("POST", "/events/filter", json=asked).json()["events"]
            found = {event["resource"]["prefect.resource.id"] for event in told}
            if wanted <= found:
                break
            time.sleep(0.1)
    assert wanted <= found


def test_a_run_leaves_a_report_without_titles(prefect_api: Process, own_runs: FlowRunFilter, sample: Path) -> None:
    pipeline(paths=[str(sample)])
    settings, _ = load()
    with open_archive(settings.database_url) as archive, archive.read() as connection:
        titles = [row[0] for row in connection.exec_driver_sql("SELECT title FROM conversations WHERE title <> ''")]
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(flow_run_filter=own_runs)
    written = ("import-report", "categorize-report", "sync-markdown-report", "pipeline-summary")
    assert {f"commonplace-{name}" for name in written} <= {artifact.key for artifact in artifacts}
    told = "\n".join(str(artifact.data) for artifact in artifacts)
    assert titles
    assert not [title for title in titles if len(title) > 12 and title in told]


def tags_of_tasks(flow_run_id: UUID | None) -> set[str]:
    """The stages that a pipeline's task runs are tagged with, once the server has written the first of them down."""
    assert flow_run_id
    with get_client(sync_client=True) as client:
        for _ in range(600):
            runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id])))
            if runs:
                break
            time.sleep(0.1)
    return {tag for run in runs for tag in run.tags} & set(STAGES)


def test_a_backfill_is_one_table_of_windows_and_can_be_repeated(prefect_api: Process, sample: Path) -> None:
    imported = pipeline(paths=[str(sample)], stages=["import"], return_state=True)
    assert tags_of_tasks(imported.state_details.flow_run_id) == {"import"}
    planned = backfill(since=date(2024, 1, 1), until=date(2027, 1, 1), window="6 months", dry_run=True)
    assert sum(row["conversations"] for row in planned["windows"]) == 30
    assert {row["outcome"] for row in planned["windows"]} == {"dry run"}
    done = backfill(since=date(2024, 1, 1), until=date(2027, 1, 1), window="6 months", stages=["sync"])
    assert sum(row["handled"] for row in done["windows"]) == 30
    again = backfill(since=date(2024, 1, 1), until=date(2027, 1, 1), window="6 months", stages=["sync"])
    assert sum(row["handled"] for row in again["windows"]) == 0


def test_a_destination_that_refuses_everything_fails_the_run_and_says_what_to_do(
    prefect_api: Process, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(paths=[str(sample)], stages=["import"])
    with FakeNotion() as notion:
        database = notion.add_database()
        monkeypatch.setenv("NOTION_TOKEN", "wrong")
        monkeypatch.setenv("NOTION_BASE_URL", notion.base_url)
        monkeypatch.setenv("NOTION_DATABASE_ID", database)
        with pytest.raises(RunFailed, match="refuses the token"):
            sync(destination="notion")
        assert notion.rows() == []


def test_few_failures_complete_with_defects_and_many_fail(
    prefect_api: Process, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(paths=[str(sample)], stages=["import"])
    with FakeNotion() as notion:
        monkeypatch.setenv("NOTION_DATABASE_ID", notion.add_database())
        monkeypatch.setenv("NOTION_TOKEN", notion.token)
        monkeypatch.setenv("NOTION_BASE_URL", notion.base_url)
        # One without files: a page that is refused with its files is tried without.
        notion.fail_next("400", on="POST pages", about="Reply to a job offer")
        state = sync(destination="notion", return_state=True)
        assert state.is_completed()
        assert "with 1 defects" in (state.message or "")
        assert state.result()["failed"] == 1
        notion.fail_next("400", on="PATCH", times=30)
        notion.fail_next("400", on="POST pages", times=30)
        with pytest.raises(RunFailed, match="items failed"):
            sync(destination="notion", force=True)


def test_maintain_backs_up_checks_and_prunes(prefect_api: Process, sample: Path) -> None:
    pipeline(paths=[str(sample)], stages=["import"])
    report = maintain()
    assert report["findings"] == 0
    assert report["backed_up_rows"] > 30
    settings, _ = load()
    assert len(list((settings.home / "backups").glob("*.commonplace"))) == 1

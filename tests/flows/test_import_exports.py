"""The import as a flow: cached looks, counts that balance, an inbox, and endings that say what happened."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.flow_engine import run_flow

from commonplace.config import load
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack.processes import Process
from flows.import_exports import import_exports
from flows.running import RunFailed


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.zip"
    write_sample(path, conversations=12)
    return path


def _task_runs(flow_run_id: UUID, expected: int) -> list[TaskRun]:
    """The task runs of a flow run; they reach the server a moment after it."""
    deadline = time.monotonic() + 30
    with get_client(sync_client=True) as client:
        while True:
            found = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id])))
            done = [run for run in found if run.state is not None and run.state.is_final()]
            if len(done) >= expected or time.monotonic() > deadline:
                return done
            time.sleep(0.2)


def test_a_second_run_of_the_same_export_shows_cached_and_changes_nothing(prefect_api: Process, sample: Path) -> None:
    first = import_exports(paths=[str(sample)])
    state = import_exports(paths=[str(sample)], return_state=True)
    second = state.result()
    assert (first["new"], first["unchanged"]) == (12, 0)
    assert (second["new"], second["unchanged"]) == (0, 12)
    assert state.state_details.flow_run_id is not None
    runs = _task_runs(state.state_details.flow_run_id, 2)
    assert {run.name.split("-")[0]: run.state_name for run in runs} == {"inspect": "Cached", "import": "Completed"}


def test_parameters_and_results_hold_no_conversation(prefect_api: Process, sample: Path) -> None:
    report = import_exports(paths=[str(sample)])
    counts = "read new changed unchanged empty failed messages attachments"
    told = "defects more_defects unfamiliar left_out conflicts conflicting seconds files import_ids stopped hint errors"
    assert set(report) == {*counts.split(), *told.split()}
    assert report["read"] == sum(report[key] for key in ("new", "changed", "unchanged", "empty", "failed"))


def test_the_inbox_is_emptied_into_done_and_failed(prefect_api: Process, sample: Path) -> None:
    settings, _ = load()
    settings.inbox.mkdir(parents=True)
    good, bad = settings.inbox / "good.zip", settings.inbox / "bad.zip"
    good.write_bytes(sample.read_bytes())
    bad.write_bytes(b"this is no zip")
    for path in (good, bad):
        os.utime(path, (time.time() - 60,) * 2)
    with pytest.raises(RunFailed) as caught:
        import_exports()
    assert caught.value.report["new"] == 12
    assert not good.exists()
    assert not bad.exists()
    report = json.loads((settings.inbox / "done" / "good.zip.report.json").read_text())
    assert report["new"] == 12
    assert "zip" in json.loads((settings.inbox / "failed" / "bad.zip.report.json").read_text())["refusal"]


def test_a_run_is_named_after_what_it_did(prefect_api: Process, sample: Path) -> None:
    state = import_exports(paths=[str(sample)], return_state=True)
    assert state.message == "import: 12 new, 0 changed of 12"
    with get_client(sync_client=True) as client:
        assert state.state_details.flow_run_id is not None
        assert client.read_flow_run(state.state_details.flow_run_id).name == "import: 12 new, 0 changed of 12"


def test_a_name_that_a_person_gave_a_run_stays(prefect_api: Process, sample: Path) -> None:
    with get_client(sync_client=True) as client:
        asked = {name: client.create_flow_run(import_exports, name=name) for name in ("For Anna", "amber-heron")}
        for run in asked.values():
            run_flow(import_exports, flow_run=run, parameters={"paths": [str(sample)]})
        names = {name: client.read_flow_run(run.id).name for name, run in asked.items()}
    assert names["For Anna"] == "For Anna"
    assert names["amber-heron"].startswith("import: ")

"""Mapping as a flow, with a namer that costs something: real servers, real stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from sqlalchemy import update

from commonplace.archive.opening import open_archive
from commonplace.archive.schema import projects as project_table
from commonplace.config import load
from commonplace.stack.processes import Process
from commonplace.stages.mapping import projects
from flows.map_projects import map_projects
from flows.running import RunFailed
from tests.projects.naming_server import NamingServer
from tests.stages.mapping.test_stage import import_all, world


@pytest.fixture
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with projects known by their ids, in this test's home."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    settings, _ = load()
    with open_archive(settings.database_url, files=settings.files) as archive:
        import_all(archive, world(60)[0])


@pytest.fixture
def naming_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NamingServer]:
    with NamingServer() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def configure(text: str) -> None:
    settings, _ = load()
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "commonplace.toml").write_text(text, encoding="utf-8")


def listed() -> list[dict[str, object]]:
    settings, _ = load()
    with open_archive(settings.database_url, files=settings.files) as archive:
        return projects.list_projects(archive)


def unname() -> None:
    settings, _ = load()
    with open_archive(settings.database_url, files=settings.files) as archive, archive.write() as connection:
        connection.execute(update(project_table).values(name="Project", name_source="id"))


def test_names_are_asked_for_once_and_never_shown(
    prefect_api: Process, own_runs: FlowRunFilter, filled: None, naming_server: NamingServer
) -> None:
    configure('[projects]\nnamer = "openai"\n')
    report = map_projects()
    assert (report["named"], report["errors"]) == (3, [])
    assert report["cost_usd"] > 0
    assert {one["name_source"] for one in listed()} == {"inferred"}
    names = [str(one["name"]) for one in listed()]
    assert all(name.startswith("All of ") for name in names)
    unname()
    assert map_projects()["named"] == 3
    assert len(naming_server.asked) == 1
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(flow_run_filter=own_runs)
        artifacts = client.read_artifacts(flow_run_filter=own_runs)
    shown = str([run.model_dump() for run in tasks]) + str([artifact.data for artifact in artifacts])
    assert "place by rules" in shown
    assert not [name for name in names if name in shown]


def test_a_namer_that_refuses_fails_the_run_but_not_the_mapping(
    prefect_api: Process, filled: None, naming_server: NamingServer
) -> None:
    configure('[projects]\nnamer = "openai"\n')
    naming_server.answers = [(401, "invalid_api_key")]
    with pytest.raises(RunFailed, match="OPENAI_API_KEY") as caught:
        map_projects()
    assert caught.value.report["assigned"]["id"] > 0
    assert {one["name_source"] for one in listed()} == {"id"}

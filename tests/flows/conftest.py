"""A real Prefect server for the tests of flows: ours, closed, started once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from prefect import tags
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    PREFECT_LOCAL_STORAGE_PATH,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    temporary_settings,
)

from commonplace.config import Settings, load
from commonplace.stack import server
from commonplace.stack.processes import Process
from deployments.apply import apply as apply_all

Apply = Callable[[str], list[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker that gets some of them starts one server for its own."""
    for item in items:
        if "/tests/flows/" in item.path.as_posix():
            item.add_marker(pytest.mark.prefect)


@pytest.fixture(scope="session")
def server_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("stack")
    settings, _ = load({"COMMONPLACE_HOME": str(home)}, folder=home)
    return settings


@pytest.fixture(scope="session")
def prefect_server(server_settings: Settings) -> Iterator[Process]:
    """The local server as `commonplace up` starts it."""
    running = server.ensure(server_settings)
    yield running
    APILogWorker.drain_all(timeout=5)
    server.stop(server_settings)


@pytest.fixture
def prefect_api(prefect_server: Process, server_settings: Settings) -> Iterator[Process]:
    """Flows of this process run against the test server. Without the heartbeat, whose thread costs a second a flow."""
    home = server.folder(server_settings)
    with temporary_settings(
        {
            PREFECT_API_URL: server.api_url(prefect_server),
            PREFECT_API_AUTH_STRING: server.password(server_settings, "auth"),
            PREFECT_HOME: home,
            PREFECT_LOCAL_STORAGE_PATH: home / "results",
            PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        }
    ):
        yield prefect_server


@pytest.fixture
def apply(prefect_api: Process, server_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apply:
    """Applies everything to the local server, with the settings of a file."""
    monkeypatch.setenv("PREFECT_API_URL", server.api_url(prefect_api))
    monkeypatch.setenv("COMMONPLACE_HOME", str(server_settings.home))

    def run(text: str) -> list[str]:
        file = tmp_path / "commonplace.toml"
        file.write_text(text)
        return apply_all(load(config_file=file)[0])

    return run


@pytest.fixture
def own_runs() -> Iterator[FlowRunFilter]:
    """Asks the server, which is everybody's, for the runs of this test alone."""
    mark = uuid4().hex
    with tags(mark):
        yield FlowRunFilter(tags=FlowRunFilterTags(all_=[mark]))


@pytest.fixture
def client_environment(prefect_server: Process, server_settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The environment of a command that talks to the test server."""
    return {**os.environ, **server.client_environment(prefect_server, server_settings)}

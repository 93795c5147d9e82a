"""`commonplace run`: asks for a run, and ends with a code that says how it went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.config import Settings, load
from commonplace.stack import server
from commonplace.stack.processes import Process
from deployments.apply import apply
from tests.fakes.prefect_api import FakePrefectApi

Run = Callable[..., Any]


@pytest.fixture
def run() -> Run:
    """Runs `commonplace run` with these arguments."""

    def run_command(*arguments: str) -> Any:
        Output.as_json = False
        return CliRunner().invoke(app, ["run", *arguments])

    return run_command


@pytest.fixture
def applied(prefect_api: Process, server_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server.api_url(prefect_api))
    monkeypatch.setenv("COMMONPLACE_HOME", str(server_settings.home))
    apply(load()[0])


def test_no_server_is_code_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    ended = run("maintain", "--watch")
    assert ended.exit_code == 4
    assert "does not answer" in ended.output


@pytest.mark.parametrize(
    "arguments",
    [["sink"], ["maintain", "--param", "bakcup=true"], ["maintain", "--param", "nothing"], ["backfill"]],
    ids=" ".join,
)
def test_what_cannot_be_asked_for_is_code_2(run: Run, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with FakePrefectApi() as prefect:
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        assert run(*arguments, "--watch").exit_code == 2


@pytest.mark.usefixtures("applied")
def test_a_run_that_goes_on_is_code_3(run: Run) -> None:
    assert run("maintain", "--watch", "--timeout", "0.1").exit_code == 3


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(("state", "code"), [(Completed(), 0), (Failed(message="[/x] [bold]"), 1)], ids=["0", "1"])
def test_the_outcome_is_the_code(run: Run, state: State[Any], code: int) -> None:
    ended: list[Any] = []
    asking = ("collect-batches", "--watch", "--name", f"mine-{code}")
    ours = copy_context()  # which server this is about
    waiting = threading.Thread(target=lambda: ended.append(ours.run(run, *asking)))
    waiting.start()
    mine = FlowRunFilter(name=FlowRunFilterName(any_=[f"mine-{code}"]))
    with get_client(sync_client=True) as client:
        deadline = time.monotonic() + 240
        while not (found := client.read_flow_runs(flow_run_filter=mine)):
            assert not ended, ended[0].output
            assert time.monotonic() < deadline, "no run was made"
            time.sleep(0.1)
        client.set_flow_run_state(found[0].id, state, force=True)
    waiting.join(240)
    assert ended[0].exit_code == code, ended[0].output
    assert (state.message or "") in ended[0].output

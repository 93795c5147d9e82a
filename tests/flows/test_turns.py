"""What works through the past waits for what somebody asked for."""

from __future__ import annotations

from uuid import UUID

import pytest
from prefect import flow, get_client
from prefect.logging import disable_run_logger
from prefect.states import Completed, Running

from commonplace.stack.processes import Process
from flows import turns


@flow
def anything() -> None:
    """Of whatever name."""


def test_work_on_the_past_waits_until_what_somebody_asked_for_has_ended(
    prefect_api: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    with get_client(sync_client=True) as client, disable_run_logger():
        for tag, goes_first in ((turns.OURS, False), (turns.COMMAND, True)):
            run = client.create_flow_run(anything, state=Running(), tags=[tag])
            waited: list[UUID] = []

            def end(_: float, waited: list[UUID] = waited, id: UUID = run.id) -> None:
                waited.append(id)
                client.set_flow_run_state(id, Completed(), force=True)

            monkeypatch.setattr(turns, "sleep", end)
            turns.give_way()
            assert waited == [run.id] * goes_first
            client.delete_flow_run(run.id)

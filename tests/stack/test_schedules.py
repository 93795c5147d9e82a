"""A scheduler that plans nothing is found, by what the server itself says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from commonplace.cli import doctor
from commonplace.config import load
from commonplace.stack import schedules
from commonplace.stack.api import Api
from tests.fakes.prefect_api import FakePrefectApi


@pytest.fixture
def prefect() -> Iterator[FakePrefectApi]:
    with FakePrefectApi() as fake:
        yield fake


def test_active_schedules_without_a_planned_run_are_named(prefect: FakePrefectApi) -> None:
    prefect.add_deployment("nightly", has_run=False)
    prefect.add_deployment("inbox")
    prefect.add_deployment("switched-off", active=False, has_run=False)
    prefect.add_deployment("changed-just-now", minutes_old=0.1, has_run=False)
    assert schedules.without_runs(Api(prefect.url)) == ["pipeline/nightly"]


def test_a_busy_server_is_asked_again(prefect: FakePrefectApi) -> None:
    prefect.add_deployment("inbox")
    prefect.busy = 2
    assert schedules.without_runs(Api(prefect.url)) == []


def test_a_server_that_says_nothing_is_not_judged() -> None:
    assert schedules.without_runs(Api("http://127.0.0.1:9/api")) is None


def test_doctor_finds_a_scheduler_that_schedules_nothing(prefect: FakePrefectApi) -> None:
    settings, environment = load({"PREFECT_API_URL": prefect.url})
    prefect.add_deployment("inbox")
    (well,) = [check for check in doctor.examine(settings, environment) if check.subject == "Schedules"]
    assert well.is_well
    prefect.add_deployment("nightly", has_run=False)
    (ill,) = [check for check in doctor.examine(settings, environment) if check.subject == "Schedules"]
    assert not ill.is_well
    assert "pipeline/nightly" in ill.finding
    assert "whenever" in ill.remedy

"""What a Prefect server knows of its runs, asked over HTTP: what began when, how far it is, how it ended."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from commonplace.config import Settings
from commonplace.stack import server
from commonplace.stack.api import Api

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
WAITING = {"SCHEDULED", "PENDING"}
PATIENCE_SECONDS = 2.0
MOST_ASKED = 200
"""Of runs in one question: Prefect answers no more."""
OF_MANY = 10
"""So many runs are asked for to find one that came to something."""
_SUMMARY, _PROGRESS, _REPORT = "-summary", "commonplace-progress-", "-report"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a run, as far as it is."""

    name: str
    is_done: bool = False
    percent: float | None = None
    began_at: datetime | None = None
    """When it told of its progress first."""
    total: int | None = None
    """How many conversations it has to go through."""
    counts: dict[str, Any] = {}
    report: str = ""
    """In Markdown: what was done, and what could not be."""

    @property
    def handled(self) -> int | None:
        """How many of them it has gone through."""
        return None if self.total is None else round(self.total * (self.percent or 0) / 100)

    @property
    def per_second(self) -> float | None:
        """How many conversations it goes through in a second, once there is enough to tell."""
        if self.began_at is None or not self.percent or not self.total or self.is_done:
            return None
        seconds = (datetime.now(UTC) - self.began_at).total_seconds()
        return self.total * self.percent / 100 / seconds if seconds > 1 else None

    @property
    def seconds_left(self) -> float | None:
        """At that speed."""
        speed = self.per_second
        return self.total * (1 - (self.percent or 0) / 100) / speed if speed and self.total else None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `state` is one of Prefect's types in lower letters, `message` what it says of its end."""

    id: str
    flow: str
    name: str
    state: str
    state_name: str
    message: str
    expected_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    parameters: Mapping[str, Any] = {}
    was_scheduled: bool = False
    """Nobody asked for it: it was its time."""

    @property
    def owner(self) -> str:
        """Of whom it was asked for, by name; nothing for the server's owner, or for all."""
        return str(self.parameters.get("owner") or "")

    @property
    def outcome(self) -> str:
        """What came of it, as its name tells at its end."""
        return self.name.partition(": ")[2] if self.has_ended else ""

    @property
    def came_to_nothing(self) -> bool:
        """Whether it looked by itself if there was something to do, and found nothing."""
        return self.was_scheduled and self.state == "completed" and not re.search("[1-9]", self.outcome)

    @property
    def has_ended(self) -> bool:
        return self.state.upper() in ENDED

    @property
    def has_broken_off(self) -> bool:
        """Whether it has ended and something may be missing."""
        return self.has_ended and self.state != "completed"

    @property
    def was_ended(self) -> bool:
        """Whether somebody stopped it, or its process was killed. What is said of that end is Prefect's."""
        return self.state in ("cancelled", "crashed")

    @property
    def waits(self) -> bool:
        return self.state.upper() in WAITING

    @property
    def seconds(self) -> float:
        """How long it has worked."""
        end = self.ended_at or datetime.now(UTC)
        return (end - self.started_at).total_seconds() if self.started_at else 0.0


class Line(msgspec.Struct, frozen=True):
    """A line of a run's log."""

    at: datetime
    text: str
    is_problem: bool


class NoHistory(Exception):
    """No Prefect server answers."""


def api_of(settings: Settings) -> Api:
    """The server that this process speaks to. Raises `NoHistory` where none runs."""
    if url := os.environ.get("PREFECT_API_URL"):
        return Api(url, os.environ.get("PREFECT_API_AUTH_STRING", ""))
    running = server.running(settings)
    if running is None:
        raise NoHistory
    return server.api(running, settings)


def address_of(api: Api, run: Run) -> str:
    """The run's page in Prefect's own UI."""
    return f"{api.url.removesuffix('/').removesuffix('/api')}/runs/flow-run/{run.id}"


def tag_of(owner: str) -> str:
    """The tag of runs for a user, by name."""
    return f"owner:{owner}"


def recent(
    api: Api,
    *,
    limit: int = 20,
    flows: Sequence[str] = (),
    owner: str = "",
    is_wanted: Callable[[Run], bool] | None = None,
) -> list[Run]:
    """What runs, ran, or should be running, the newest first; perhaps for one user alone. Of some flows alone: without
    those that came to nothing."""
    until = {"before_": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
    asked: dict[str, Any] = {"flow_runs": {"expected_start_time": until, **_for(owner)}}
    asked |= {"sort": "EXPECTED_START_TIME_DESC"}
    asked["limit"] = min(MOST_ASKED, OF_MANY * limit) if flows or is_wanted else limit
    found = filter(is_wanted, _runs(api, asked | _of(flows)))
    return [run for run in found if not (flows and run.came_to_nothing)][:limit]


def coming(
    api: Api, *, flows: Sequence[str] = (), owner: str = "", is_wanted: Callable[[Run], bool] | None = None
) -> Run | None:
    """What runs next by its schedule, perhaps of some flows or for one user alone."""
    after = {"after_": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
    asked: dict[str, Any] = {"flow_runs": {"expected_start_time": after, **_for(owner)}}
    asked |= {"sort": "EXPECTED_START_TIME_ASC", "limit": OF_MANY if is_wanted else 1}
    return next(filter(is_wanted, _runs(api, asked | _of(flows))), None)


def _for(owner: str) -> dict[str, Any]:
    return {"tags": {"all_": [tag_of(owner)]}} if owner else {}


def _of(flows: Sequence[str]) -> dict[str, Any]:
    return {"flows": {"name": {"any_": list(flows)}}} if flows else {}


def find(api: Api, id: str) -> Run | None:
    """A run by its id."""
    try:
        UUID(id)
    except ValueError:
        return None
    return next(iter(_runs(api, {"flow_runs": {"id": {"any_": [id]}}, "limit": 1})), None)


def stages(api: Api, run: Run, wanted: Sequence[str]) -> list[Stage]:
    """The parts of a run in their order: those that are wanted, and what else it has told of."""
    asked = {"artifacts": {"flow_run_id": {"any_": [run.id]}}, "sort": "CREATED_DESC", "limit": 200}
    found: dict[str, dict[str, Any]] = {name: {} for name in wanted}
    for artifact in reversed(_ask(api, "artifacts/filter", asked)):
        key, data = str(artifact["key"] or ""), artifact["data"]
        if key.startswith(_PROGRESS):
            name = key.removeprefix(_PROGRESS)
            about = {"percent": float(data or 0), "began_at": _moment(artifact.get("created"))}
            found.setdefault(name, {}).update(about, total=_number(artifact.get("description")))
        elif key.startswith("commonplace-") and key.endswith(_SUMMARY):
            rows = msgspec.json.decode(data) if isinstance(data, str) else data
            name = key.removeprefix("commonplace-").removesuffix(_SUMMARY)
            counts = {str(row["what"]): row["value"] for row in rows or []}
            found.setdefault(name, {}).update(is_done=True, counts=counts)
        elif key.startswith("commonplace-") and key.endswith(_REPORT):
            name = key.removeprefix("commonplace-").removesuffix(_REPORT)
            found.setdefault(name, {})["report"] = str(data or "")
    return [Stage(name=name, **told) for name, told in found.items()]


def lines(api: Api, id: str, *, newest: int) -> list[Line]:
    """The last lines of a run's log."""
    asked = {"logs": {"flow_run_id": {"any_": [id]}}, "sort": "TIMESTAMP_DESC", "limit": newest}
    found = reversed(_ask(api, "logs/filter", asked))
    return [
        Line(datetime.fromisoformat(line["timestamp"]), str(line["message"]), line["level"] >= logging.WARNING)
        for line in found
    ]


def _ask(api: Api, path: str, body: object) -> list[dict[str, Any]]:
    answer = api.ask(path, body, patience_seconds=PATIENCE_SECONDS)
    if answer is None:
        raise NoHistory
    return list(answer)


def _runs(api: Api, asked: object) -> list[Run]:
    found = _ask(api, "flow_runs/filter", asked)
    ids = sorted({each["flow_id"] for each in found})
    flows = _ask(api, "flows/filter", {"flows": {"id": {"any_": ids}}}) if ids else []
    names = {flow["id"]: flow["name"] for flow in flows}
    return [_run(each, names.get(each["flow_id"], "")) for each in found]


def _run(found: Mapping[str, Any], flow: str) -> Run:
    state = found["state"] or {}
    return Run(
        id=found["id"],
        flow=flow,
        name=found["name"],
        state=str(found["state_type"] or "pending").lower(),
        state_name=found["state_name"] or "",
        message=state.get("message") or "",
        expected_at=_moment(found["expected_start_time"]),
        started_at=_moment(found["start_time"]),
        ended_at=_moment(found["end_time"]),
        parameters=found["parameters"] or {},
        was_scheduled=bool(found.get("auto_scheduled")),
    )


def _number(text: str | None) -> int | None:
    """The one that a progress begins with: `sync-markdown: 4,812 conversations`."""
    found = re.search(r": ([\d,]+) ", text or "")
    return int(found[1].replace(",", "")) if found else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

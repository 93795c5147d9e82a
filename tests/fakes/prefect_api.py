"""A Prefect server's API as far as it is asked without Prefect: deployments, their schedules and planned runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.loopback import Loopback


class FakePrefectApi(Loopback):
    """Answers 503 as often as `busy` says, then what it was filled with."""

    def __init__(self) -> None:
        self.busy = 0
        self.deployments: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)))

    @property
    def url(self) -> str:
        return f"{self.address}/api"

    def add_deployment(self, name: str, *, active: bool = True, minutes_old: float = 60, has_run: bool = True) -> None:
        """A deployment with one schedule, changed so many minutes ago, with or without a planned run."""
        changed = datetime.now(UTC) - timedelta(minutes=minutes_old)
        found = {
            "id": name,
            "name": name,
            "flow_id": "pipeline",
            "paused": False,
            "updated": changed.isoformat().replace("+00:00", "Z"),
            "schedules": [{"active": active}],
        }
        self.deployments.append(found)
        if has_run:
            self.runs.append({"deployment_id": name})

    def add_run(
        self, id: str, *, state: str, message: str = "", flow: str = "pipeline", **parameters: Any
    ) -> dict[str, Any]:
        """A run, as the server tells it."""
        moment = datetime.now(UTC).isoformat()
        run = {
            "id": id,
            "flow_id": flow,
            "name": "bold-ibex",
            "state_type": state.upper(),
            "state_name": state.capitalize(),
            "state": {"message": message},
            "expected_start_time": moment,
            "start_time": None if state == "scheduled" else moment,
            "end_time": moment if state in ("completed", "failed", "cancelled") else None,
            "parameters": parameters,
        }
        self.runs.append(run)
        return run

    def add_summary(self, stage: str, **counts: Any) -> None:
        """What a run tells of a stage that it has done."""
        rows = json.dumps([{"what": what.replace("_", " "), "value": value} for what, value in counts.items()])
        self.artifacts.append({"key": f"commonplace-{stage}-summary", "data": rows})

    def add_progress(self, stage: str, percent: float, *, total: int, seconds: float) -> None:
        """How far a run is with a stage that it began so many seconds ago."""
        began = datetime.now(UTC) - timedelta(seconds=seconds)
        about = {"created": began.isoformat(), "description": f"{stage}: {total:,} conversations"}
        self.artifacts.append({"key": f"commonplace-progress-{stage}", "data": percent, **about})

    def log(self, text: str) -> None:
        """A line of a run's log."""
        self.logs.append({"timestamp": datetime.now(UTC).isoformat(), "message": text, "level": 20})

    def answer(self, path: str, asked: dict[str, Any]) -> Any:
        wanted = asked.get("flows", {}).get("name", {}).get("any_")
        ids = asked.get("flow_runs", {}).get("id", {}).get("any_")
        runs = [run for run in self.runs if wanted is None or run.get("flow_id") in wanted]
        runs = [run for run in runs if ids is None or run["id"] in ids]
        names = {one["flow_id"] for one in (*self.deployments, *self.runs) if "flow_id" in one}
        answers: dict[str, Any] = {
            "/api/health": True,
            "/api/deployments/filter": self.deployments,
            "/api/flow_runs/filter": runs,
            "/api/flows/filter": [{"id": name, "name": name} for name in names],
            "/api/artifacts/filter": list(reversed(self.artifacts)),
            "/api/logs/filter": list(reversed(self.logs)),
        }
        return answers.get(path)


def _handler(fake: FakePrefectApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _reply(self, asked: dict[str, Any]) -> None:
            answer = fake.answer(self.path, asked)
            is_busy = fake.busy > 0
            fake.busy -= is_busy
            body = json.dumps(answer).encode()
            self.send_response(503 if is_busy else 404 if answer is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler

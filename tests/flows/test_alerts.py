"""One failed run is one alert, as JSON with a link."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prefect import flow, get_client
from prefect.states import Failed

from commonplace.config import load
from commonplace.stack.processes import Process
from deployments import definitions
from deployments.alerts import apply_alerts
from tests.fakes.loopback import Loopback
from tests.flows.conftest import Apply


class Listener(Loopback):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                heard.append((self.headers["content-type"], json.loads(body)))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as found:
        yield found


@flow
def inner() -> None:
    """A run inside another one."""


def test_a_failed_run_with_failed_runs_inside_it_is_told_once(
    apply: Apply, prefect_api: Process, listener: Listener
) -> None:
    apply(f'[alerts]\nwebhook = "{listener.address}/hook"\n')
    with get_client(sync_client=True) as client:
        outer = client.create_flow_run_from_deployment(
            client.read_deployment_by_name("maintain/weekly").id, name='a "quoted" run'
        )
        inside = client.create_flow_run(inner, tags=[definitions.TAG])
        client.set_flow_run_state(inside.id, Failed(message="the inner one"), force=True)
        client.set_flow_run_state(outer.id, Failed(message='it "failed"'), force=True)
        deadline = time.monotonic() + 240
        while not listener.heard:
            assert time.monotonic() < deadline, "nobody was told"
            time.sleep(0.1)
        apply_alerts(client, load()[0], is_local=True)
    told = {
        "run": 'a "quoted" run',
        "state": "Failed",
        "message": 'it "failed"',
        "link": f"{prefect_api.address}/runs/flow-run/{outer.id}",
    }
    assert listener.heard == [("application/json", told)]

"""Pages that watch a run: what fifty of them cost the server, and how soon a run that was asked for shows progress."""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.measuring.verdicts import mark
from benchmarks.servers.stack import up
from benchmarks.web_app.process import login, serving_alone
from benchmarks.web_app.serving import COOKIE
from commonplace.config import load
from tests.fakes.prefect_api import FakePrefectApi

TABS, CORE = 50, 0.05
SETTLED_SECONDS, WATCHED_SECONDS = 5.0, 20.0
RUN = "01a21592-9efd-7d5b-9e40-ed0503cef7fd"
P50, P95, MOST_SECONDS = 4.0, 8.0, 60.0


def tabs() -> None:
    """The share of a core that a server needs for them, beyond what it needs alone."""
    print()
    with FakePrefectApi() as prefect:
        prefect.add_run(RUN, state="running", paths=[])
        prefect.add_summary("import", read=4, new=4)
        with serving_alone(PREFECT_API_URL=prefect.url) as process:
            before = process.seconds()
            time.sleep(SETTLED_SECONDS)
            alone = (process.seconds() - before) / SETTLED_SECONDS
            used = asyncio.run(_watch(process.url, process.cookie, process.seconds)) / WATCHED_SECONDS
    print(f"  {mark(used - alone <= CORE)} {TABS} tabs watching a run: {used - alone:.3f} of a core (at most {CORE})")


async def _watch(url: str, cookie: str, seconds: Callable[[], float]) -> float:
    limits = httpx.Limits(max_connections=TABS + 1)
    async with httpx.AsyncClient(base_url=url, headers={"cookie": cookie}, limits=limits, timeout=60) as client:
        watching = [asyncio.create_task(_tab(client)) for _ in range(TABS)]
        await asyncio.sleep(SETTLED_SECONDS)
        before = seconds()
        await asyncio.sleep(WATCHED_SECONDS)
        used = float(seconds() - before)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return used


async def _tab(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", f"/runs/{RUN}/events") as reply:
        assert reply.status_code == 200
        async for _ in reply.aiter_bytes():
            pass


def first_progress(runs: int) -> None:
    """From the click on the sample to the first stage that is under way or done on the run's page."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        settings, _ = load({"COMMONPLACE_HOME": name}, folder=Path(name))
        with up(settings), httpx.Client(base_url=_address(settings.home / "up.log"), timeout=60) as client:
            client.cookies.set(COOKIE, login(settings.home))
            client.get("/import")
            seconds = sorted(_asked(client) for _ in range(runs))
    p50, p95 = statistics.median(seconds), seconds[min(runs - 1, round(0.95 * (runs - 1)))]
    is_met = mark(p50 <= P50 and p95 <= P95)
    print(f"\n  {is_met} first progress of {runs} runs: p50 {p50:.1f}, p95 {p95:.1f} s (at most {P50}, {P95})")


def _address(log: Path) -> str:
    """Where `up` said that the pages are."""
    found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text().partition("Web app")[2] or log.read_text())
    assert found
    return found[0]


def _asked(client: httpx.Client) -> float:
    csrf = client.get("/import").text.partition('name="csrf" value="')[2].partition('"')[0]
    asked = time.perf_counter()
    where = client.post("/import/sample", data={"csrf": csrf}).headers["location"]
    while time.perf_counter() < asked + MOST_SECONDS:
        if 'class="stage' in client.get(f"{where}/now").text:
            break
        time.sleep(0.1)
    seen = time.perf_counter() - asked
    while client.get(f"{where}/now").headers["x-run-ended"] != "yes":
        time.sleep(0.5)
    return seen

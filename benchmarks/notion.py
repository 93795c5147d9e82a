"""Notion at its speed limit: requests against the minimum, time against the floor, memory against the archive's size.

    python -m benchmarks.notion           1,000 conversations of 120 blocks, 300 ms latency; memory at 1,000 and 50,000
    python -m benchmarks.notion --quick   400 conversations; memory at 200 and 1,500; under a minute

The fake Notion runs in a process of its own, with Notion's budget of 180 requests in windows that are three times
shorter (six times with --quick). The minimum is one request per conversation and one per 100 existing rows; a changed
conversation with new turns needs two (its body and its properties). The floor is what the windows allow:
(ceil(requests / 180) - 1) windows and one latency.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

BUDGET, LATENCY_SECONDS = 180, 0.3
BATCH = 200
BLOCKS = 120
TARGETS = {"first": 1.02, "changed": 1.05, "budget": 0.9, "memory": 1.2}

Json = dict[str, Any]


def serve(pipe: Connection, options: Json) -> None:
    """A fake Notion that tells its counts when asked, and forgets them."""
    from tests.fakes.notion import FakeNotion

    with FakeNotion(**options) as notion:
        pipe.send((notion.base_url, notion.token, notion.add_database()))
        while pipe.recv() == "counts":
            pipe.send({"requests": notion.count(), "statuses": dict(notion.statuses()), "rows": len(notion.rows()),
                       "moments": [request.moment for request in notion.requests]})  # fmt: skip
            notion.requests.clear()


@contextmanager
def fake(**options: Any) -> Iterator[tuple[Connection, tuple[str, str, str]]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, options))
    process.start()
    try:
        yield ours, ours.recv()
    finally:
        ours.send("stop")
        process.join()


def counts(pipe: Connection) -> Json:
    pipe.send("counts")
    answer: Json = pipe.recv()
    return answer


def documents(first: int, count: int, *, turns: int = 40, changed: bool = False) -> Iterator[Any]:
    """Conversations whose answers are a heading, a paragraph and a list: three blocks a turn."""
    from tests.destinations.notion.world import document

    for number in range(first, first + count):
        texts = [f"## Part {turn} of {number}\n\n{'Some words to read. ' * 8}\n\n- a point" for turn in range(turns)]
        yield document(number, texts=[*texts, "And one more thing."] if changed and number % 10 == 0 else texts)


def sync(address: tuple[str, str, str], ledger: str, count: int, **options: Any) -> float:
    """Seconds to write so many conversations, in batches, as a run does."""
    from commonplace.destinations.notion import NotionSettings, open_notion
    from tests.destinations.notion.world import FileLedger

    window = options.pop("window_seconds", 60.0)
    budget = options.pop("budget", BUDGET)
    base_url, token, source = address
    destination = open_notion(
        NotionSettings(token=token, base_url=base_url, data_source_id=source, requests_per_minute=budget,
                       window_seconds=window)
    )  # fmt: skip
    kept = FileLedger(ledger)
    started = time.monotonic()
    for first in range(0, count, BATCH):
        outcomes = destination.write(list(documents(first, min(BATCH, count - first), **options)), kept)
        assert {outcome.state for outcome in outcomes} <= {"created", "updated", "unchanged"}
    seconds = time.monotonic() - started
    destination.close()
    return seconds


def measure_speed(count: int, window: float, folder: Path) -> list[tuple[str, float, str, bool]]:
    """First sync, nothing changed, a tenth changed: against minimum and floor."""
    ledger = str(folder / "speed.db")
    rows: list[tuple[str, float, str, bool]] = []
    with fake(latency=LATENCY_SECONDS, window_seconds=window, per_window=BUDGET, keep_bodies=False) as (
        pipe,
        at,
    ):
        seconds = sync(at, ledger, count, window_seconds=window)
        seen = counts(pipe)
        sent = seen["requests"]
        floor = (math.ceil(sent / BUDGET) - 1) * window + LATENCY_SECONDS
        # When the last budget's first request went out, against the earliest moment that the windows allow.
        budgets = math.ceil(sent / BUDGET) - 1
        used = budgets * window / (seen["moments"][budgets * BUDGET] - seen["moments"][0])
        refused = seen["statuses"].get(429, 0)
        rows += [
            (f"first sync, {count} x {BLOCKS} blocks: requests / minimum", sent / count, f"<= {TARGETS['first']}",
             sent / count <= TARGETS["first"] and seen["rows"] == count),
            (f"  {seconds:.1f} s against a floor of {floor:.1f} s: wall / floor", seconds / floor, "", True),
            ("  share of the budget used until its last window", used, f">= {TARGETS['budget']}",
             used >= TARGETS["budget"]),
            ("  refused with 429", refused, "0", refused == 0),
        ]  # fmt: skip
        sync(at, ledger, count, window_seconds=window)
        sent = counts(pipe)["requests"]
        rows.append(("nothing changed: requests", sent, "0", sent == 0))
        sync(at, ledger, count, changed=True, window_seconds=window)
        sent, minimum = counts(pipe)["requests"], 2 * math.ceil(count / 10)
        rows.append(("a tenth changed: requests / minimum", sent / minimum, f"<= {TARGETS['changed']}",
                     sent / minimum <= TARGETS["changed"]))  # fmt: skip
    return rows


def measure_memory(small: int, large: int, folder: Path) -> list[tuple[str, float, str, bool]]:
    """Peak memory of a process that syncs so many small conversations, rows and ledger included."""
    peaks = {}
    for count in (small, large):
        with fake(per_window=10**9, keep_bodies=False) as (pipe, at):
            ours, theirs = multiprocessing.Pipe()
            arguments = (theirs, at, str(folder / f"memory-{count}.db"), count)
            process = multiprocessing.get_context("spawn").Process(target=peak_of_sync, args=arguments)
            process.start()
            peaks[count] = ours.recv()
            process.join()
            assert counts(pipe)["rows"] == count
    ratio = peaks[large] / peaks[small]
    name = f"memory at {large:,} / at {small:,} ({peaks[large] / 1024:.0f} / {peaks[small] / 1024:.0f} MB)"
    return [(name, ratio, f"<= {TARGETS['memory']}", ratio <= TARGETS["memory"])]


def peak_of_sync(pipe: Connection, address: tuple[str, str, str], ledger: str, count: int) -> None:
    sync(address, ledger, count, turns=2, budget=10**9)
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller run that ends in a minute")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = measure_speed(400, 10.0, folder) if quick else measure_speed(1000, 20.0, folder)
        rows += measure_memory(200, 1500, folder) if quick else measure_memory(1000, 50_000, folder)
    for label, value, target, is_met in rows:
        print(f"{label:<75} {value:>8.3f}  {target:<8} {'ok' if is_met else 'MISSED'}")
    return 0 if all(is_met for *_, is_met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

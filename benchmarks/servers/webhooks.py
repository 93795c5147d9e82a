"""Deliveries while an export is imported: is what was answered 200 in the inbox, and how late are the answers?

Used by benchmarks.server. The floor and ours take turns, two seconds each, so that whatever else the machine does is
the same for both.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.generated.export import generate
from benchmarks.generated.kept import DATA
from benchmarks.measuring.verdicts import percentile, verdict
from benchmarks.servers.serving import COMMAND, SECRET, bare, empty, serving
from benchmarks.servers.streams import Answered, Stream, steadily
from commonplace.archive.inbox import open_inbox
from commonplace.archive.opening import open_archive
from tests.sources.omi.test_reading import memory

RATE = 100
SLICE_SECONDS = 2
EXPORT = 50_000_000


def webhook(seconds: int, *, postgres: bool) -> None:
    """Deliver for so long."""
    sources = exports(seconds)
    with (
        tempfile.TemporaryDirectory(prefix="server-", dir=DATA) as name,
        empty(Path(name), postgres=postgres) as url,
        bare() as floor,
        serving(Path(name), url) as server,
        importing(Path(name), url, sources) as share,
        syncing(Path(name)) as waits,
    ):
        least, ours, kept = asyncio.run(_stream(floor.url, server.url, seconds))
        during = share()
        lost = kept - _stored(url)
    where = "PostgreSQL" if postgres else "SQLite"
    print(f"\nwebhook: {len(ours):,} at {RATE}/s on {where}, {during:.0%} of the time during an import")
    _report([one.seconds for one in ours], [one.seconds for one in least], waits)
    verdict("answered 200 and not in the inbox", len(lost), at_most=0)
    verdict("not answered 200", len(ours) - len(kept), at_most=0)


def _report(ours: list[float], least: list[float], waits: list[float]) -> None:
    figures = {"ours": ours, "floor": least, "one fsync": waits}
    middle, late = ({name: percentile(times, at) * 1_000 for name, times in figures.items()} for at in (50, 99))
    for name in figures:
        print(f"  {name:10} p50 {middle[name]:6.1f} ms   p99 {late[name]:6.1f} ms")
    verdict("of (3 x the floor's p99 + one fsync)", late["ours"] / (3 * late["floor"] + late["one fsync"]), at_most=1)


async def _stream(floor: str, server: str, seconds: int) -> tuple[list[Answered], list[Answered], set[str]]:
    """What came of each, and which deliveries were answered 200."""
    of_floor, of_ours, kept = Stream(floor), Stream(server), set[str]()
    numbers = itertools.count()

    async def deliver(due: float) -> Answered:
        id = f"d-{next(numbers):06}"
        headers = {"content-type": "application/json", "idempotency-key": id}
        answered = await of_ours.post(f"/omi/memory?uid=u&token={SECRET}", _body(id), headers, due)
        if answered.status == 200:
            kept.add(id)
        return answered

    async def nothing(due: float) -> Answered:
        return await of_floor.post("/", _body("d-000000"), {}, due)

    least, ours = list[Answered](), list[Answered]()
    for _ in range(seconds // SLICE_SECONDS):
        least += await steadily(RATE, SLICE_SECONDS, nothing)
        of_floor.close()
        ours += await steadily(RATE, SLICE_SECONDS, deliver)
        of_ours.close()
    return least, ours, kept


def _body(id: str) -> bytes:
    return json.dumps(memory(id=id)).encode()


def exports(seconds: int) -> list[Path]:
    """As many as take longer to import than the stream goes on; made once."""
    DATA.mkdir(exist_ok=True)
    paths = [DATA / f"server-{seed}.json" for seed in range(100, 102 + seconds // 2)]
    for path in paths:
        if not path.exists():
            part = path.with_suffix(".part")
            generate(part, size=EXPORT, seed=int(path.stem.rpartition("-")[2]))
            part.rename(path)
    return paths


@contextlib.contextmanager
def importing(home: Path, url: str, sources: list[Path]) -> Iterator[Callable[[], float]]:
    """An import that goes on; what share of the time since it began it took."""
    environment = {**os.environ, "COMMONPLACE_HOME": str(home), "COMMONPLACE_DATABASE_URL": url}
    command = [*COMMAND, "import", "--direct", "--json", *map(str, sources)]
    begun, ended = time.perf_counter(), list[float]()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:

        def watch() -> None:
            process.wait()
            ended.append(time.perf_counter())

        watching = threading.Thread(target=watch)
        watching.start()

        def share() -> float:
            moment = time.perf_counter()
            return (min([*ended, moment]) - begun) / (moment - begun)

        try:
            yield share
        finally:
            process.kill()
            watching.join()


@contextlib.contextmanager
def syncing(folder: Path) -> Iterator[list[float]]:
    """How long the disk takes to have four kilobytes for good, ten times a second until the block ends."""
    waits, is_over = list[float](), threading.Event()

    def work() -> None:
        with (folder / "synced").open("wb", buffering=0) as file:
            while not is_over.wait(0.1):
                begun = time.perf_counter()
                file.write(b"x" * 4096)
                os.fsync(file.fileno())
                waits.append(time.perf_counter() - begun)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield waits
    finally:
        is_over.set()
        thread.join()


def _stored(url: str) -> set[str]:
    with open_archive(url) as archive, open_inbox(archive) as inbox:
        return {entry.delivery for entry in inbox.entries(limit=1_000_000)}

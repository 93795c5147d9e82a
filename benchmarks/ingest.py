"""How fast an export becomes a searchable archive: `python -m benchmarks.ingest --size 204MB,1GB`.

Each figure is a ratio with a floor, measured in turns in the same run: mmap, msgspec's raw items, orjson for each
conversation, insert into two tables, one index, one full-text index, without a journal and without waiting for the
disk. Beside it stands the command as a person runs it, from its start to its end, with the export kept and everything
safe on the disk. Memory is the peak of the private anonymous memory of all its processes, sampled from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.generate_export import generate, size_of
from benchmarks.verdicts import verdict

DATA = Path(__file__).parent / ".data"
ROOT = Path(__file__).parents[1]
SAMPLE_SECONDS = 0.1
MEGABYTE = 1_000_000
ROWS_AT_ONCE = 2000


def floor(source: Path, database: Path) -> int:
    """The least that any import into a searchable SQLite file has to do, as fast as Python can; how many messages."""
    import gc

    import orjson

    try:
        import pysqlite3.dbapi2 as sqlite3
    except ImportError:
        import sqlite3

    gc.disable()
    connection = sqlite3.connect(str(database), isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
        "PRAGMA cache_size = -65536;"
        "CREATE TABLE conversations (key INTEGER PRIMARY KEY, id TEXT, title TEXT, created REAL, updated REAL);"
        "CREATE TABLE messages (key INTEGER PRIMARY KEY, conversation INTEGER, id TEXT, parent TEXT, role TEXT,"
        " created REAL, text TEXT);"
    )
    connection.execute("BEGIN")
    heads: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    count = 0
    for key, raw in enumerate(_raw_items(source), 1):
        item = orjson.loads(memoryview(raw))
        heads.append((key, item["id"], item["title"], item["create_time"], item["update_time"]))
        for node in item["mapping"].values():
            message = node["message"]
            if message:
                parts = message["content"].get("parts") or ()
                text = "\n".join(part for part in parts if type(part) is str)
                role = message["author"]["role"]
                rows.append((key, node["id"], node["parent"], role, message["create_time"], text))
        if len(rows) >= ROWS_AT_ONCE:
            count += len(rows)
            _insert(connection, heads, rows)
    count += len(rows)
    _insert(connection, heads, rows)
    connection.execute("COMMIT")
    connection.executescript(
        "CREATE INDEX by_conversation ON messages (conversation);"
        "CREATE VIRTUAL TABLE found USING fts5 (text, content='messages', content_rowid='key');"
        "INSERT INTO found (found) VALUES ('rebuild');"
    )
    connection.close()
    return count


def _raw_items(source: Path) -> Iterator[Any]:
    import mmap

    import msgspec

    decoder = msgspec.json.Decoder(list[msgspec.Raw])
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            for name in sorted(archive.namelist()):
                if name.startswith("conversations") and name.endswith(".json"):
                    yield from decoder.decode(archive.read(name))
        return
    with source.open("rb") as file:
        yield from decoder.decode(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _insert(connection: Any, heads: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> None:
    connection.executemany("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", heads)
    connection.executemany(
        "INSERT INTO messages (conversation, id, parent, role, created, text) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
    heads.clear()
    rows.clear()


def measure(command: list[str], home: Path) -> dict[str, Any]:
    """Run a command from its start to its end, and watch its memory and that of what it starts."""
    os.sync()  # or the disk would still be busy with what was written before
    environment = {**os.environ, "COMMONPLACE_HOME": str(home)}
    environment.pop("COMMONPLACE_DATABASE_URL", None)
    peak = 0
    started = time.perf_counter()
    with tempfile.TemporaryFile() as told:  # a pipe that nobody empties meanwhile would stop a long report
        with subprocess.Popen(command, stdout=told, cwd=ROOT, env=environment) as process:
            while process.poll() is None:
                peak = max(peak, sum(map(anonymous_bytes, _family(process.pid))))
                time.sleep(SAMPLE_SECONDS)
            seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        told.seek(0)
        return {"seconds": seconds, "peak_mb": peak / MEGABYTE, "told": json.load(told)}


def measure_floor(source: Path, home: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.ingest", "--floor", str(source), str(home / "floor.db")]
    try:
        return measure(command, home)
    finally:
        (home / "floor.db").unlink(missing_ok=True)


def measure_import(source: Path, home: Path) -> dict[str, Any]:
    return measure([sys.executable, "-m", "commonplace", "import", "--direct", "--json", str(source)], home)


def measure_start(home: Path) -> dict[str, Any]:
    """What any command takes before it has anything to do."""
    return measure([sys.executable, "-m", "commonplace", "stats", "--json"], home)


def _family(pid: int) -> list[int]:
    """A process and those it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(found for child in children for found in _family(int(child)))]


def anonymous_bytes(pid: int) -> int:
    """Private memory that is not a file's: what the machine has to have for the process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0)


def export_of(size: str, container: str) -> Path:
    path = DATA / f"full-{size}.{container}"
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        generate(unfinished, size=size_of(size), shape="full", container=container)  # type: ignore[arg-type]
        unfinished.rename(path)
    return path


def repacked(source: Path, folder: Path) -> Path:
    """Another file with the same conversations."""
    target = folder / f"again-{source.name}"
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for entry in old.infolist():
                with old.open(entry) as member, new.open(entry.filename, "w") as out:
                    shutil.copyfileobj(member, out, MEGABYTE)
    else:
        shutil.copyfile(source, target)
        with target.open("ab") as file:
            file.write(b"\n")
    return target


def compare(source: Path, rounds: int) -> None:
    results: dict[str, list[dict[str, Any]]] = {"floor": [], "ours": [], "again": [], "same": [], "start": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="ingest-", dir=DATA) as name:
            home = Path(name)
            results["floor"].append(measure_floor(source, home))
            results["ours"].append(measure_import(source, home))
            results["again"].append(measure_import(repacked(source, home), home))
            results["same"].append(measure_import(source, home))
            results["start"].append(measure_start(home))
    _print(source, results)


def _print(source: Path, results: dict[str, list[dict[str, Any]]]) -> None:
    seconds = {what: statistics.median(run["seconds"] for run in runs) for what, runs in results.items()}
    peak = {what: max(run["peak_mb"] for run in runs) for what, runs in results.items()}
    size = source.stat().st_size / MEGABYTE
    print(f"\n{source.name}: {size:,.0f} MB, {results['ours'][0]['told']['messages']:,} messages")
    print(f"  floor                 {seconds['floor']:7.2f} s   {peak['floor']:6.0f} MB")
    print(f"  import                {seconds['ours']:7.2f} s   {peak['ours']:6.0f} MB")
    print(f"  unchanged, other file {seconds['again']:7.2f} s   {peak['again']:6.0f} MB")
    print(f"  the same file         {seconds['same']:7.2f} s   {peak['same']:6.0f} MB")
    print(f"  a command's start     {seconds['start']:7.2f} s")
    again = max(seconds["again"] - seconds["start"], 0.01)
    verdict("of the floor's speed", seconds["floor"] / seconds["ours"], at_least=0.45)
    verdict("times faster when nothing changed", (seconds["ours"] - seconds["start"]) / again, at_least=4)
    verdict("MB of private memory", max(peak["ours"], peak["again"]), at_most=300)
    verdict("times a command's start for the same file", seconds["same"] / seconds["start"], at_most=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="204MB", help="sizes of the JSON, unpacked: 204MB,1GB")
    parser.add_argument("--containers", default="json,zip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--floor", nargs=2, type=Path, metavar=("SOURCE", "DATABASE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        print(json.dumps({"messages": floor(*options.floor)}))
        return
    for size in options.size.split(","):
        for container in options.containers.split(","):
            compare(export_of(size, container), options.rounds)


if __name__ == "__main__":
    main()

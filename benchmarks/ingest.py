"""How fast an export becomes a searchable archive: `python -m benchmarks.ingest --size 200MB,1GB`.

Each figure is a ratio with this machine's floor, measured in turns in the same run: parse (mmap, msgspec's raw items,
orjson for each conversation), insert into two tables and build a full-text index, and nothing else. Every measurement
is a process of its own; memory is the peak of its private anonymous memory, sampled from outside.
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

DATA = Path(__file__).parent / ".data"
SAMPLE_SECONDS = 0.02
MEGABYTE = 1_000_000
ROWS_AT_ONCE = 2000


def floor(source: Path, database: Path) -> dict[str, Any]:
    """The least that any import into a searchable SQLite archive has to do, as fast as it can be done from Python."""
    import gc

    import orjson

    from commonplace.archive.engine import sqlite_module

    gc.disable()
    started = time.perf_counter()
    connection = sqlite_module().connect(str(database), isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768;"
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
        "CREATE VIRTUAL TABLE found USING fts5 (text, content='messages', content_rowid='key',"
        " tokenize='unicode61 remove_diacritics 2');"
        "INSERT INTO found (found) VALUES ('rebuild');"
    )
    connection.close()
    return {"seconds": time.perf_counter() - started, "messages": count}


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


def ours(source: Path, database: Path) -> dict[str, Any]:
    """The import as `commonplace import` does it, keeping the export and its attachments."""
    from commonplace.archive.opening import open_archive
    from commonplace.stages.importing.stage import import_paths

    started = time.perf_counter()
    with open_archive(str(database)) as archive:
        report = import_paths(archive, [source])
    seconds = time.perf_counter() - started
    names = ("read", "new", "changed", "unchanged", "empty", "failed", "messages")
    return {"seconds": seconds, **{name: getattr(report, name) for name in names}}


def measure(what: str, source: Path, database: Path) -> dict[str, Any]:
    """Run one measurement in a process of its own and watch its memory."""
    command = [sys.executable, "-m", "benchmarks.ingest", "--measure", what, str(source), str(database)]
    os.sync()  # or the disk would still be busy with what was written before
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        while process.poll() is None:
            peak = max(peak, _anonymous_bytes(process.pid))
            time.sleep(SAMPLE_SECONDS)
        output = process.stdout.read() if process.stdout else b""
    if process.returncode:
        raise SystemExit(f"{what} of {source.name} failed")
    result: dict[str, Any] = json.loads(output)
    return {**result, "peak_mb": peak / MEGABYTE}


def _anonymous_bytes(pid: int) -> int:
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
    results: dict[str, list[dict[str, Any]]] = {"floor": [], "ours": [], "again": [], "same": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="ingest-", dir=DATA) as name:
            folder = Path(name)
            results["floor"].append(measure("floor", source, folder / "floor.db"))
            (folder / "floor.db").unlink()
            results["ours"].append(measure("ours", source, folder / "archive.db"))
            results["again"].append(measure("ours", repacked(source, folder), folder / "archive.db"))
            results["same"].append(measure("ours", source, folder / "archive.db"))
    _print(source, results)


def _print(source: Path, results: dict[str, list[dict[str, Any]]]) -> None:
    seconds = {what: statistics.median(run["seconds"] for run in runs) for what, runs in results.items()}
    peak = {what: max(run["peak_mb"] for run in runs) for what, runs in results.items()}
    size = source.stat().st_size / MEGABYTE
    print(f"\n{source.name}: {size:,.0f} MB, {results['ours'][0]['messages']:,} messages")
    print(f"  floor                 {seconds['floor']:7.2f} s   {peak['floor']:6.0f} MB")
    print(f"  import                {seconds['ours']:7.2f} s   {peak['ours']:6.0f} MB")
    print(f"  unchanged, other file {seconds['again']:7.2f} s   {peak['again']:6.0f} MB")
    print(f"  the same file         {seconds['same']:7.2f} s   {peak['same']:6.0f} MB")
    _verdict("of the floor's speed", seconds["floor"] / seconds["ours"], at_least=0.4)
    _verdict("times faster when nothing changed", seconds["ours"] / seconds["again"], at_least=4)
    _verdict("MB of private memory", max(peak["ours"], peak["again"]), at_most=300)
    _verdict("s for the same file", seconds["same"], at_most=1)


def _verdict(what: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
    is_met = value >= at_least if at_least is not None else at_most is not None and value <= at_most
    wanted = f"at least {at_least}" if at_least is not None else f"at most {at_most}"
    print(f"  {'ok  ' if is_met else 'MISS'} {value:.2f} {what} ({wanted})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="200MB", help="sizes of the JSON, unpacked: 200MB,1GB")
    parser.add_argument("--containers", default="json,zip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "SOURCE", "DATABASE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, source, database = options.measure
        print(json.dumps({"floor": floor, "ours": ours}[what](Path(source), Path(database))))
        return
    for size in options.size.split(","):
        for container in options.containers.split(","):
            compare(export_of(size, container), options.rounds)


if __name__ == "__main__":
    main()

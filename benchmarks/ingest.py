"""How fast an export becomes a searchable archive: `python -m benchmarks.ingest --size 204MB,1GB`.

Each figure is a ratio with a floor, measured in turns in the same run: mmap, msgspec's raw items, orjson for each
conversation, insert into two tables, one index, one full-text index, without a journal and without waiting for the
disk. For other sources (`--source NAME,NAME` or `all`) the floor reads each file whole and takes what is longer
than an id for a message. Beside it stands the command as a person runs it, from its start to its end, with the export
kept and everything safe on the disk. Memory is the peak of the private anonymous memory of all its processes, sampled
from outside.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.generated.export import generate, generate_as, size_of
from benchmarks.generated.kept import DATA
from benchmarks.generated.sources import KINDS
from benchmarks.measuring.processes import MEGABYTE, measure, measure_import
from benchmarks.measuring.verdicts import verdict

ROWS_AT_ONCE = 2000


def floor(source: Path, database: Path, of: str = "chatgpt") -> int:
    """The least that any import into a searchable SQLite file has to do, as fast as Python can; how many messages."""
    import gc

    try:
        import pysqlite3.dbapi2 as sqlite3
    except ImportError:
        import sqlite3

    gc.disable()
    connection = sqlite3.connect(str(database), isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
        "PRAGMA cache_size = -65536;"
        "CREATE TABLE conversations (key INTEGER PRIMARY KEY, id TEXT, title TEXT, created TEXT, updated TEXT);"
        "CREATE TABLE messages (key INTEGER PRIMARY KEY, conversation INTEGER, id TEXT, parent TEXT, role TEXT,"
        " created TEXT, text TEXT);"
    )
    connection.execute("BEGIN")
    heads: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    count = 0
    for key, said in enumerate(_of_chatgpt(source) if of == "chatgpt" else _of_others(source, of), 1):
        heads.append(next(said))
        rows += ((key, *row) for row in said)
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


def _of_chatgpt(source: Path) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Of each conversation its head, then its messages."""
    import orjson

    for raw in _raw_items(source):
        item = orjson.loads(memoryview(raw))
        head = (item["id"], item["title"], item["create_time"], item["update_time"])
        yield itertools.chain([head], _messages(item))


def _messages(item: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for node in item["mapping"].values():
        message = node["message"]
        if message:
            parts = message["content"].get("parts") or ()
            text = "\n".join(part for part in parts if type(part) is str)
            yield node["id"], node["parent"], message["author"]["role"], message["create_time"], text


def _of_others(source: Path, of: str) -> Iterator[Iterator[tuple[Any, ...]]]:
    for data in _files(source):
        for said in KINDS[of].read(data):
            yield itertools.chain([("", "", "", "")], (("", "", role, "", text) for role, text in said))


def _files(source: Path) -> Iterator[bytes]:
    if source.is_dir():
        yield from (file.read_bytes() for file in sorted(source.rglob("*")) if file.is_file())
        return
    with zipfile.ZipFile(source) as archive:
        yield from map(archive.read, sorted(archive.namelist()))


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
    connection.executemany("INSERT INTO conversations (id, title, created, updated) VALUES (?, ?, ?, ?)", heads)
    connection.executemany(
        "INSERT INTO messages (conversation, id, parent, role, created, text) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
    heads.clear()
    rows.clear()


def measure_floor(source: Path, home: Path, of: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.ingest",
        "--source",
        of,
        "--floor",
        str(source),
        str(home / "floor.db"),
    ]
    try:
        return measure(command, home)
    finally:
        (home / "floor.db").unlink(missing_ok=True)


def measure_start(home: Path) -> dict[str, Any]:
    """What any command takes before it has anything to do."""
    return measure([sys.executable, "-m", "commonplace", "stats", "--json"], home)


def export_of(size: str, container: str, of: str = "chatgpt") -> Path:
    path = DATA / (f"full-{size}.{container}" if of == "chatgpt" else f"{of}-{size}.{container}")
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part")
        if of == "chatgpt":
            generate(unfinished, size=size_of(size), shape="full", container=container)  # type: ignore[arg-type]
        else:
            generate_as(unfinished, of, size=size_of(size), container=container)  # type: ignore[arg-type]
        unfinished.rename(path)
    return path


def repacked(source: Path, folder: Path) -> Path:
    """Another file with the same conversations; of a folder itself, after one of its files was touched."""
    if source.is_dir():
        next(iter(sorted(source.iterdir()))).touch()
        return source
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


def compare(source: Path, rounds: int, of: str = "chatgpt") -> None:
    results: dict[str, list[dict[str, Any]]] = {"floor": [], "ours": [], "again": [], "same": [], "start": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="ingest-", dir=DATA) as name:
            home = Path(name)
            results["floor"].append(measure_floor(source, home, of))
            results["ours"].append(measure_import(source, home))
            results["again"].append(measure_import(repacked(source, home), home))
            results["same"].append(measure_import(source, home))
            results["start"].append(measure_start(home))
    _print(source, results, of)


def _print(source: Path, results: dict[str, list[dict[str, Any]]], of: str) -> None:
    seconds = {what: statistics.median(run["seconds"] for run in runs) for what, runs in results.items()}
    peak = {what: max(run["peak_mb"] for run in runs) for what, runs in results.items()}
    files = [file for file in source.rglob("*") if file.is_file()] if source.is_dir() else [source]
    size = sum(file.stat().st_size for file in files) / MEGABYTE
    print(f"\n{source.name}: {size:,.0f} MB, {results['ours'][0]['told']['messages']:,} messages")
    print(f"  floor                 {seconds['floor']:7.2f} s   {peak['floor']:6.0f} MB")
    print(f"  import                {seconds['ours']:7.2f} s   {peak['ours']:6.0f} MB")
    print(f"  unchanged, other file {seconds['again']:7.2f} s   {peak['again']:6.0f} MB")
    print(f"  the same file         {seconds['same']:7.2f} s   {peak['same']:6.0f} MB")
    print(f"  a command's start     {seconds['start']:7.2f} s")
    again = max(seconds["again"] - seconds["start"], 0.01)
    verdict("of the floor's speed", seconds["floor"] / seconds["ours"], at_least=0.45 if of == "chatgpt" else 0.4)
    verdict("times faster when nothing changed", (seconds["ours"] - seconds["start"]) / again, at_least=4)
    verdict("MB of private memory", max(peak["ours"], peak["again"]), at_most=300)
    verdict("times a command's start for the same file", seconds["same"] / seconds["start"], at_most=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="204MB", help="sizes of the JSON, unpacked: 204MB,1GB")
    parser.add_argument("--source", default="chatgpt", help="names of sources, or all: of the others")
    parser.add_argument("--containers", help="json, zip, folder; by default those in which the source's exports come")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--floor", nargs=2, type=Path, metavar=("SOURCE", "DATABASE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        print(json.dumps({"messages": floor(options.floor[0], options.floor[1], options.source)}))
        return
    for of in KINDS if options.source == "all" else options.source.split(","):
        containers = options.containers or (KINDS[of].container if of in KINDS else "json,zip")
        for size in options.size.split(","):
            for container in containers.split(","):
                compare(export_of(size, container, of), options.rounds, of)


if __name__ == "__main__":
    main()

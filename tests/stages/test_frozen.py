"""A run that stands still while another takes its place: it wakes up, sends and writes nothing more, and says why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from commonplace.archive.conversations import imports
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import passages
from commonplace.sources.chatgpt.sample import write_sample
from tests.fakes.notion import FakeNotion
from tests.fakes.openai import FakeOpenAI

COUNT = 40
SETTINGS = """
[runs]
lease_seconds = 2.0
[meaning]
model = "text-embedding-3-small"
[destinations.notion]
lookup_interval_seconds = 0.1
"""
STOPS_ITSELF = """
import os, signal, sys
from commonplace.cli import working
class Stopping(working.InProcess):
    has_stopped = False
    def show(self, label, done, total):
        if done and not self.has_stopped:
            self.has_stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
working.InProcess = Stopping
from commonplace.stages.importing import intake
intake.MESSAGES_PER_BATCH = 20
from commonplace.cli import main
main()
"""


class Book:
    """A home, and commands that work on it in processes of their own."""

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        self.home = home
        self.environment = {**os.environ, "COMMONPLACE_HOME": str(home), **variables}

    def start(self, *command: str, program: str = "") -> subprocess.Popen[str]:
        words = ["-c", program] if program else ["-m", "commonplace"]
        return subprocess.Popen(
            [sys.executable, *words, *command, "--direct", "--json"],
            env=self.environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, dict[str, object]]:
        process = self.start(*command)
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
def frozen(process: subprocess.Popen[str], when: Callable[[], bool]) -> Iterator[None]:
    """The process stands still from that moment to the end of the block."""
    while not when():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def is_stopped(process: subprocess.Popen[str]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def ended(process: subprocess.Popen[str]) -> dict[str, object]:
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 1, told
    report: dict[str, object] = json.loads(told)
    assert "was taken over by another run while this one stood still" in str(report["error"])
    assert "the other run does what is still missing" in str(report["hint"])
    return report


@pytest.fixture
def book(tmp_path: Path) -> Iterator[tuple[Book, FakeNotion]]:
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux tells that a process stands still")
    (tmp_path / "commonplace.toml").write_text(SETTINGS)
    write_sample(tmp_path / "sample.zip", conversations=COUNT)
    with FakeNotion(per_window=100_000, latency=0.3) as notion:
        variables = {
            "NOTION_TOKEN": notion.token,
            "NOTION_BASE_URL": notion.base_url,
            "NOTION_DATABASE_ID": notion.database_of(notion.add_database()),
        }
        yield Book(tmp_path, variables), notion


def fill(book: Book) -> None:
    assert book.run("import", "sample.zip")[0] == 0


def test_a_sync_that_slept_doubles_no_page(book: tuple[Book, FakeNotion]) -> None:
    home, notion = book
    fill(home)
    sleeper = home.start("sync", "notion")
    with frozen(sleeper, lambda: notion.count("POST pages") >= 5):
        home.run_when_free("sync", "notion")
        asked = notion.count()
    ended(sleeper)
    assert notion.count() == asked
    written = [page.value("Conversation ID") for page in notion.rows()]
    assert len(written) == len(set(written)) == COUNT


def test_an_import_that_slept_adds_nothing_more(book: tuple[Book, FakeNotion]) -> None:
    home, _ = book
    sleeper = home.start("import", "sample.zip", program=STOPS_ITSELF)
    with frozen(sleeper, lambda: is_stopped(sleeper)):
        told = home.run_when_free("import", "sample.zip")
        assert told["read"] == COUNT
    ended(sleeper)
    with open_archive(str(home.home / "archive.db")) as archive:
        assert sorted(record.status for record in imports.history(archive)) == ["completed", "interrupted"]


def test_an_embedding_that_slept_buys_and_stores_nothing_twice(book: tuple[Book, FakeNotion]) -> None:
    """As after one that was killed: what it had stored is not asked for again."""
    home, _ = book
    fill(home)
    with FakeOpenAI() as server:
        home.environment |= {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.api_key}
        sleeper = home.start("embed", program=STOPS_ITSELF)
        with frozen(sleeper, lambda: is_stopped(sleeper)):
            told = home.run_when_free("embed")
        slept = ended(sleeper)
        asked = sum(len(request.body["input"]) for request in server.requests_to("/v1/embeddings"))
    assert slept["embedded"] == told["unchanged"] != 0 != told["embedded"]
    place = passages.c.conversation_key, passages.c.message_key, passages.c.start
    with open_archive(str(home.home / "archive.db")) as archive, archive.read() as connection:
        places = connection.execute(select(func.count()).select_from(select(*place).distinct().subquery())).scalar()
        stored = connection.execute(select(func.count()).select_from(passages)).scalar()
    assert stored == places
    assert asked == slept["passages"] + told["passages"] <= stored  # type: ignore[operator]

"""`commonplace up` as a person meets it: one command that starts everything, and stops it without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from commonplace.config import Settings, load
from commonplace.sources.chatgpt.sample import write_sample
from tests.fakes.notion import FakeNotion

PATIENCE_SECONDS = 600
"""Nothing here is about speed: the machine may have other things to do."""
pytestmark = pytest.mark.timeout(4 * PATIENCE_SECONDS)
COMMAND = [sys.executable, "-m", "commonplace"]


def _environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "COMMONPLACE_HOME": str(home), "HOME": str(home), **more}


def _settings(home: Path) -> Settings:
    return load({"COMMONPLACE_HOME": str(home)}, folder=home)[0]


def _run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=_environment(home, **more),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.1)


@contextlib.contextmanager
def _up(home: Path, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A running `commonplace up` that has said it is ready."""
    with (home / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*COMMAND, "up", *arguments], env=_environment(home, **more), cwd=home, stdout=log, stderr=log, text=True
        )
    try:
        _until(lambda: "Ctrl-C" in (home / "up.log").read_text() or process.poll() is not None)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


def _processes_of(home: Path) -> list[int]:
    """Every process whose environment names this home: what `up` started, directly or not."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"COMMONPLACE_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid() and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.zip"
    write_sample(path, conversations=40)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "book"
    path.mkdir()
    return path


def test_once_imports_a_file_then_a_killed_worker_is_replaced_its_run_resumed_and_ctrl_c_drains(
    home: Path, sample: Path
) -> None:
    """One home for all of it: a new one costs its first server a quarter of a minute."""
    _import_once(home, sample)
    with FakeNotion(latency=0.4) as notion:
        finished = _lose_a_worker(home, notion)
        titles = [page.value("Conversation ID") for page in notion.rows()]
    assert _processes_of(home) == []  # the worker that was started again is gone too
    assert len(titles) == len(set(titles)) == 40
    _assert_that_the_history_is_whole(home, UUID(finished))


def _import_once(home: Path, sample: Path) -> None:
    ended = _run(home, "up", "--import", str(sample), "--once", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["state"] == "Completed"
    assert "40 imported" in told["message"]
    assert _processes_of(home) == []
    assert len(list((home / "markdown" / "conversations").rglob("*.md"))) == 40
    assert _lines_said_twice(home) == []
    assert [path for path in home.rglob("*") if path.lstat().st_mode & 0o077] == [], "only the owner may read them"


def _lines_said_twice(home: Path) -> list[str]:
    """What our log and Prefect's both brought to the pages of runs."""
    ours, theirs = (
        f"SELECT message FROM log WHERE name LIKE '{name}'" for name in ("commonplace%", "prefect.flow_runs%")
    )
    with contextlib.closing(sqlite3.connect(home / "prefect" / "prefect.db")) as connection:
        assert connection.execute(ours).fetchall(), "nothing was said at all"
        return [line for (line,) in connection.execute(f"{ours} INTERSECT {theirs}")]


@pytest.mark.slow
def test_once_ends_with_the_runs_own_failure(home: Path, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.zip"
    rubbish.write_bytes(b"PK\x03\x04 but not really")
    ended = _run(home, "up", "--import", str(rubbish), "--once", "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["state"] == "Failed"
    assert _processes_of(home) == []


def test_once_without_anything_to_do_says_so(home: Path) -> None:
    ended = _run(home, "up", "--once")
    assert ended.returncode == 1
    assert "--once needs something to do" in ended.stderr


def _lose_a_worker(home: Path, notion: FakeNotion) -> str:
    """Kill the worker and its run in the midst of a sync; what `up` starts in its place finishes.

    The id of the run that did.
    """
    (home / "commonplace.toml").write_text("[destinations.notion]\nrequests_per_minute = 600\n")
    secrets = {
        "NOTION_TOKEN": notion.token,
        "NOTION_BASE_URL": notion.base_url,
        "NOTION_DATABASE_ID": notion.add_database(),
    }
    with _up(home, **secrets) as process:
        assert "already running" in _run(home, "up").stderr
        assert _run(home, "run", "sync", "--param", "destination=notion").returncode == 0
        _until(lambda: len(notion.rows()) >= 5)
        for pid in _worker_processes(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert 5 <= len(notion.rows()) < 40
        again = _run(home, "run", "sync", "--param", "destination=notion", "--watch", "--json")
        told = json.loads(again.stdout)
        assert told["state"] == "Completed", again.stdout + again.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
    return str(told["id"])


def _assert_that_the_history_is_whole(home: Path, run: UUID) -> None:
    """Nothing of the run that ended just before the server did is lost: what it told was written out first."""
    query = "SELECT state_type FROM task_run WHERE replace(flow_run_id, '-', '') = ?"
    with contextlib.closing(sqlite3.connect(home / "prefect" / "prefect.db")) as connection:
        states = [state for (state,) in connection.execute(query, [run.hex])]
    assert states
    assert set(states) == {"COMPLETED"}


def _worker_processes(home: Path) -> list[int]:
    """The worker and the runs it started."""
    found = []
    for pid in _processes_of(home):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"worker" in command or b"prefect.engine" in command:
            found.append(pid)
    return found

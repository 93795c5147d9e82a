"""Killed without a word (kill -9), then run again: nothing that was judged is paid for twice, nothing is left out."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.categorize.openai.conftest import subjects
from tests.categorize.openai.killed import CONCURRENCY
from tests.fakes.openai import FakeOpenAI

ROOT = Path(__file__).parents[3]


def start(fake: FakeOpenAI, kept: Path, count: int, mode: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.categorize.openai.killed", fake.url, str(kept), str(count), mode]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill_when(process: subprocess.Popen[bytes], is_time: Callable[[], bool]) -> None:
    while process.poll() is None and not is_time():
        time.sleep(0.002)
    process.kill()
    output, _ = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), output.decode()


def finish(process: subprocess.Popen[bytes]) -> None:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output.decode()


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_a_live_run_that_is_killed_asks_only_for_what_was_not_kept(tmp_path: Path) -> None:
    kept, count = tmp_path / "kept", 60
    with FakeOpenAI(latency=0.02) as fake:
        first = start(fake, kept, count, "live")
        kill_when(first, lambda: len(lines(kept)) >= 20)
        after_crash = set(lines(kept))
        assert 20 <= len(after_crash) < count
        finish(start(fake, kept, count, "live"))
        paid = {
            each.conversation_id: fake.times_answered(f"ref-{each.conversation_id[-5:]}") for each in subjects(count)
        }
    assert len(lines(kept)) == len(set(lines(kept))) == count
    assert {paid[identity] for identity in after_crash} == {1}
    assert max(paid.values()) <= 2
    # What was under way when the process died was never handed over: at most one request per worker.
    assert sum(times - 1 for times in paid.values()) <= CONCURRENCY


def test_a_submission_that_is_killed_is_found_again(tmp_path: Path) -> None:
    """Killed right after the service has the batch and before we know its id."""
    kept, count = tmp_path / "kept", 12
    with FakeOpenAI() as fake:
        fake.slow_create = 0.5
        first = start(fake, kept, count, "batch")
        kill_when(first, lambda: bool(fake.batches.batches))
        fake.slow_create = 0.0
        assert fake.batches.created == 1
        finish(start(fake, kept, count, "batch"))
        finish(start(fake, kept, count, "batch"))
        assert fake.batches.created == 1
        assert len(set(lines(kept))) == count
        assert sum(fake.answered.values()) == count

"""What another process decodes is what this one would have: items, counts, and what went wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from commonplace.errors import Halt, Refused
from commonplace.sources import ahead
from commonplace.sources.ahead import Ahead, is_worth_it
from commonplace.sources.limits import Limits
from commonplace.sources.registry import open_export
from tests.fakes.exports import chain, conversation, message, write_zip

SHOWN = {"attachments": [{"id": "file-AbCdEfGhIj", "name": "x.png"}]}


def export(tmp_path: Path) -> Path:
    told = message("m-1", {"content_type": "hologram", "beam": "kept — words \U0001f600"}, metadata=SHOWN)
    items = [conversation(chain(told), key="strange"), 7, *(conversation(key=f"c-{number}") for number in range(300))]
    return write_zip(tmp_path / "it's ü.zip", {"conversations.json": items, "sora.json": {"videos": [1]}})


def test_it_gives_what_is_read_here(tmp_path: Path) -> None:
    path = export(tmp_path)
    with open_export(path) as here, Ahead(path, None) as there:
        assert list(there.conversations()) == sorted(here.conversations(), key=lambda item: hasattr(item, "reason"))
        assert there.unfamiliar == here.unfamiliar
        assert there.left_out == here.left_out
    assert there.process.poll() is not None


def test_no_module_of_the_folder_that_one_stands_in_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    with Ahead(export(tmp_path), None) as there:
        assert len(list(there.conversations())) == 302


def long_export(tmp_path: Path) -> Path:
    """More than fits between the two processes, so that the other one has to wait."""
    items = [conversation(chain(message("m", "x" * 500_000)), key=f"c-{number}") for number in range(60)]
    return write_zip(tmp_path / "x.zip", {"conversations.json": items})


def test_it_comes_in_frames_and_what_nobody_asked_for_is_ended(tmp_path: Path) -> None:
    with Ahead(long_export(tmp_path), None) as there:
        first = next(there.conversations())
        assert getattr(first, "external_id", None) == "c-0"
        assert there.process.poll() is None
    assert there.process.poll() is not None


def test_an_interrupt_from_the_keyboard_is_left_to_the_process_that_writes(tmp_path: Path) -> None:
    with Ahead(long_export(tmp_path), None) as there:
        items = there.conversations()
        next(items)
        there.process.send_signal(signal.SIGINT)
        assert len(list(items)) == 59


@pytest.mark.parametrize(
    ("files", "limits"),
    [
        ({"conversations.json": b'[{"mapping": {}, "id": "' + b"x" * 5_000_000 + b'"}]'}, {"ratio_beyond": 1_000_000}),
        ({"conversations.json": [conversation()] * 500}, {"member_bytes": 90_000}),
        ({"conversations.json": [conversation()], "b.json": [conversation()]}, {"entries": 1}),
        ({"../conversations.json": [conversation()]}, {}),
        ({"notes.txt": b"nothing"}, {}),
    ],
)
def test_what_is_refused_here_is_refused_there_in_the_same_words(
    tmp_path: Path, files: dict[str, object], limits: dict[str, int]
) -> None:
    path, allowed = write_zip(tmp_path / "x.zip", files), Limits(**limits)
    with pytest.raises(Refused) as here, open_export(path, limits=allowed) as export:
        list(export.conversations())
    with Ahead(path, allowed) as there, pytest.raises(Refused) as elsewhere:
        list(there.conversations())
    assert str(elsewhere.value) == str(here.value)


def test_a_process_that_ended_too_early_is_told(tmp_path: Path) -> None:
    with Ahead(long_export(tmp_path), None) as there:
        items = there.conversations()
        next(items)
        there.process.kill()
        with pytest.raises(Halt, match="ended before it was done"):
            list(items)


def test_it_does_not_outlive_the_process_it_decodes_for(tmp_path: Path) -> None:
    """Not even one that is killed, which could end nothing any more."""
    reading = (
        "import os, signal, sys; from pathlib import Path; from commonplace.sources.ahead import Ahead\n"
        "there = Ahead(Path(sys.argv[1]), None); next(there.conversations()); print(there.process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", reading, str(long_export(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        other = int(killed.communicate()[0])
    assert killed.returncode == -signal.SIGKILL
    gives_up_at = time.monotonic() + 60
    while psutil.pid_exists(other) and psutil.Process(other).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < gives_up_at
        time.sleep(0.05)


def test_it_is_worth_it_for_large_exports_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with open_export(export(tmp_path)) as here:
        assert not is_worth_it(here)
        monkeypatch.setattr(ahead, "LARGE", sum(here.members.values()))
        assert is_worth_it(here)
        monkeypatch.setattr("os.cpu_count", lambda: 1)
        assert not is_worth_it(here)

"""What another process decodes is what this one would have: items, counts, and what went wrong."""

from __future__ import annotations

from pathlib import Path

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


def test_it_comes_in_frames(tmp_path: Path) -> None:
    items = [conversation(chain(message("m", "x" * 500_000)), key=f"c-{number}") for number in range(20)]
    path = write_zip(tmp_path / "x.zip", {"conversations.json": items})
    with Ahead(path, None) as there:
        first = next(there.conversations())
        assert getattr(first, "external_id", None) == "c-0"
        assert there.process.poll() is None  # it waits, and is ended with what it has not told
    assert there.process.poll() is not None


def test_what_ends_the_reading_there_is_raised_here(tmp_path: Path) -> None:
    bomb = b'[{"mapping": {}, "id": "' + b"x" * 5_000_000 + b'"}]'
    path = write_zip(tmp_path / "x.zip", {"conversations.json": bomb})
    with Ahead(path, Limits(ratio_beyond=1_000_000)) as there, pytest.raises(Refused, match="only a bomb"):
        list(there.conversations())
    with Ahead(tmp_path / "absent.zip", None) as there, pytest.raises(Refused, match="is not there"):
        list(there.conversations())


def test_a_process_that_was_ended_from_outside_is_told(tmp_path: Path) -> None:
    with Ahead(export(tmp_path), None) as there:
        there.process.kill()
        there.process.wait()
        with pytest.raises(Halt, match="ended from outside"):
            list(there.conversations())


def test_it_is_worth_it_for_large_exports_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with open_export(export(tmp_path)) as here:
        assert not is_worth_it(here)
        monkeypatch.setattr(ahead, "LARGE", sum(here.members.values()))
        assert is_worth_it(here)
        monkeypatch.setattr("os.cpu_count", lambda: 1)
        assert not is_worth_it(here)

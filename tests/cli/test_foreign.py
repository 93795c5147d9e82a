"""What is not ours to prevent (disks, databases, files of others) ends in one sentence, a hint and exit code 1."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.foreign import explained
from commonplace.cli.output import Output
from commonplace.errors import Refused

DEEP = 100_000


def raised(act: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  (of any kind, that is what this is about)
        act()
    return caught.value


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full."),
        (OSError(errno.EROFS, "Read-only", "/home/archive"), "/home/archive is on a disk that cannot be written to."),
        (PermissionError(errno.EACCES, "Permission denied", "a.zip"), "a.zip is not yours to open."),
        (raised(lambda: open("/")), "/ is a folder, where a file is meant."),  # noqa: SIM115, PTH123
        (raised(lambda: sqlite3.connect("/").execute("select 1")), "The archive's file cannot be opened."),
        (raised(lambda: httpx.get("http://127.0.0.1:9")), "A service does not answer."),
        (raised(lambda: json.loads("[" * DEEP)), "Something is nested too deeply to be read."),
        (raised(lambda: b"\xff".decode()), "A file is not text in UTF-8."),
        (raised(lambda: float(10**400)), "A number or a date is beyond what can be kept."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_foreign_error_says_what_happened_and_what_to_do(error: Exception, expected: str) -> None:
    told = explained(error)
    assert told.message == expected
    assert told.hint


def test_the_cause_of_an_error_explains_it() -> None:
    error = RuntimeError("something around it")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert explained(error).message == "The disk is full."


def test_an_error_that_nobody_foresaw_names_its_place_and_no_value() -> None:
    told = explained(raised(lambda: dict[str, str]()["what a person wrote"]))
    assert "KeyError at test_foreign.py" in told.message
    assert "person" not in f"{told.message}{told.hint}"


def test_an_error_of_ours_stays_as_it_is() -> None:
    ours = Refused("No.")
    assert explained(ours) is ours


def _folder_as_settings(home: Path) -> None:
    (home / "commonplace.toml").mkdir()


def _deep_settings(home: Path) -> None:
    (home / "commonplace.toml").write_text("a = " + "[" * DEEP)


def _strange_settings(home: Path) -> None:
    (home / "commonplace.toml").write_bytes(b"timezone = '\xff'")


def _strange_dotenv(home: Path) -> None:
    (home / ".env").write_bytes(b"OPENAI_API_KEY=\xff\xfe")


def _folder_as_archive(home: Path) -> None:
    (home / "archive.db").mkdir()


def _rubbish_as_archive(home: Path) -> None:
    (home / "archive.db").write_bytes(b"no database " * 1000)


SURROUNDINGS: list[Callable[[Path], None]] = [
    _folder_as_archive,
    _rubbish_as_archive,
    _deep_settings,
    _strange_settings,
    _strange_dotenv,
]
COMMANDS = [["stats"], ["backup", "/dev/null/backup.zip"], ["categorize", "--direct"]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "a-home"
    home.mkdir()
    monkeypatch.setenv("COMMONPLACE_HOME", str(home))
    return home


def told_by(arguments: list[str]) -> dict[str, Any]:
    Output.as_json = False
    ended = CliRunner().invoke(app, [*arguments, "--json"])
    Output.as_json = False
    assert ended.exit_code == 1, ended.output
    assert isinstance(ended.exception, SystemExit), ended.exception
    told = json.loads(ended.stdout)
    assert told["error"].endswith(".")
    return dict(told)


@pytest.mark.parametrize("surroundings", SURROUNDINGS, ids=lambda made: made.__name__.strip("_"))
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_whatever_lies_around_a_command_ends_in_a_sentence(
    home: Path, command: list[str], surroundings: Callable[[Path], None]
) -> None:
    surroundings(home)
    told = told_by(command)
    assert "This should not have happened" not in told["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "x", "--until", "3000 years ago"],
        ["export", "--format", "csv", "--output", "/"],
        ["backup", "/dev/null/backup.zip"],
        ["restore", "/"],
        ["show", "nothing"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_ends_in_a_sentence(home: Path, arguments: list[str]) -> None:
    told = told_by(arguments)
    assert "This should not have happened" not in told["error"]

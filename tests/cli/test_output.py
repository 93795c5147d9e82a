"""What strangers wrote is shown and never obeyed, in whatever encoding the other side reads."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonplace.cli import app, output
from commonplace.cli.output import Output, Terminal
from tests.fakes.exports import chain, conversation, message, write_json

HOSTILE = "\x1b]0;owned\x07 \x9b31m \x7f \u202eevil [/x] [bold red] :smile: ü"
CLI = Path(output.__file__).parent
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")

Run = Callable[..., str]


@pytest.fixture
def run() -> Run:
    """Runs a command as a person does; everything that it printed."""

    def run_command(*arguments: str | Path) -> str:
        Output.as_json = False
        ended = CliRunner().invoke(app, list(map(str, arguments)))
        Output.as_json = False
        assert not ended.exception or isinstance(ended.exception, SystemExit), ended.exception
        return ended.output

    return run_command


@pytest.fixture
def hostile_archive(run: Run, tmp_path: Path) -> None:
    """An archive whose every text, and the name of whose file, wants to take over the terminal."""
    items = [
        conversation(
            chain(message(f"m-{number}", f"gardening {HOSTILE}"), message(f"a-{number}", HOSTILE, "assistant")),
            key=f"c-{number}",
            title=f"[{HOSTILE.replace('[', '').replace(']', '')}] {HOSTILE} {number}",
        )
        for number in range(4)
    ]
    export = write_json(tmp_path / f"conversations{HOSTILE.replace('/', '')}.json", *items)
    assert "Imported" in run("import", "--direct", export)
    run("categorize", "--direct")
    run("map", "--direct")
    run("projects", "create", HOSTILE)
    run("projects", "assign", "c-1", HOSTILE)


COMMANDS = [
    "search gardening",
    "show c-1",
    "show c-1 --branches --hidden",
    "show nothing",
    "stats",
    "stats --by project",
    "review",
    "projects list",
    "projects suggestions",
    "projects export",
    "categorize --dry-run --force",
    "map --dry-run --force",
    "sync markdown --dry-run",
    "taxonomy show everyday",
    "verify",
    "doctor",
]


@pytest.mark.usefixtures("hostile_archive")
@pytest.mark.parametrize("form", ["people", "json"])
def test_no_control_character_of_a_stranger_reaches_the_terminal(run: Run, form: str) -> None:
    for command in COMMANDS:
        more = ["--json"] if form == "json" and command != "projects export" else []
        told = run(*command.split(), *more)
        assert told, command
        if command == "projects export":
            continue  # meant for a file: on a terminal it goes through `visible`, as below
        assert not OBEYED.search(told), (command, OBEYED.search(told))
    assert not OBEYED.search(run("show", f"nothing{HOSTILE}"))


@pytest.mark.usefixtures("hostile_archive")
def test_markup_and_emoji_codes_are_only_text(run: Run) -> None:
    shown = run("show", "c-1")
    assert "[/x]" in shown
    assert "[bold red]" in shown
    assert ":smile:" in shown


def test_a_control_character_is_shown_as_a_picture_of_itself() -> None:
    assert output.visible("a\x1b[31m\tb\n\x7f\x9b") == "a␛[31m\tb\n␡\ufffd"


def test_whatever_is_printed_goes_through_the_same_place() -> None:
    terminal = Terminal()
    terminal.file = io.StringIO()
    terminal.print(f"plain {HOSTILE}")
    grid = output.table("a", title=HOSTILE)
    grid.add_row(HOSTILE)
    terminal.print(grid)
    assert not OBEYED.search(terminal.file.getvalue())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.usefixtures("hostile_archive")
def test_piped_output_works_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "commonplace", "search", "gardening"]
    for more in ([], ["--json"]):
        ended = subprocess.run([*command, *more], env=environment, cwd=tmp_path, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        told = ended.stdout.decode(encoding)
        if more:
            assert "ü" in json.loads(told)["results"][0]["title"]


def test_commands_speak_through_one_module() -> None:
    """No other one prints, builds a console, or writes to a standard stream."""
    for path in CLI.rglob("*.py"):
        if path in (Path(output.__file__), CLI / "__init__.py"):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                name = ast.unparse(call.func)
                assert name not in {"print", "Console", "typer.echo", "typer.secho", "typer.prompt", "typer.confirm"}
                assert not name.endswith(("stdout.write", "stderr.write")), f"{path.name}: {name}"

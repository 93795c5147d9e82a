"""The pages people read against the commands they name: nothing that is not there, and nothing that is not told.

The pages under WALKED are followed as a reader would, on the sample export, in their order.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.sources.chatgpt.sample import write_sample

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
WALKED = ("importing", "categorizing", "search", "markdown", "care")
SHARED = {"--json", "--since", "--until", "--project", "--limit", "--dry-run", "--force", "--direct", "--yes"}
"""Options that mean the same everywhere: one example will do for all commands."""
STAGES = {"import", "embed", "categorize", "map", "sync"}
NOT_HERE = {"up", "down", "run", "backfill", "connect"}
"""What starts servers or asks services is tried by tests of its own."""

Command = tuple[str, ...]


def _leaves(command: Any, name: Command = ()) -> Iterator[tuple[Command, Any]]:
    if hasattr(command, "list_commands"):
        for part in command.list_commands(None):
            yield from _leaves(command.get_command(None, part), (*name, part))
    else:
        yield name, command


COMMANDS: dict[Command, Any] = dict(_leaves(get_command(app)))


def _examples(page: Path) -> Iterator[str]:
    """The lines of a page's code that call us, without their comments."""
    is_fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif (is_fenced or line.startswith("    ")) and line.strip().startswith("commonplace "):
            yield line.strip()


def _parsed(example: str) -> tuple[Command, list[str]]:
    words = shlex.split(re.sub(r"\s#\s.*$", "", example), posix=True)[1:]
    for length in (2, 1):
        if tuple(words[:length]) in COMMANDS:
            return tuple(words[:length]), words[length:]
    raise AssertionError(f"no such command: {example}")


ALL = [(page.name, example) for page in PAGES for example in _examples(page)]


@pytest.mark.parametrize(("page", "example"), ALL, ids=[example for _, example in ALL])
def test_what_the_pages_show_can_be_typed(page: str, example: str) -> None:
    command, words = _parsed(example)
    leaf = COMMANDS[command]
    leaf.make_parser(leaf.context_class(leaf, info_name=command[-1])).parse_args(list(words))


def test_every_command_and_every_option_is_shown() -> None:
    shown: dict[Command, set[str]] = defaultdict(set)
    for _, example in ALL:
        command, words = _parsed(example)
        shown[command] |= {word.partition("=")[0] for word in words if word.startswith("-")}
    everywhere = set().union(*shown.values())
    missing = [" ".join(command) for command in COMMANDS if command not in shown]
    for command, leaf in COMMANDS.items():
        for option in leaf.params:
            names = {name for name in (*option.opts, *option.secondary_opts) if name.startswith("--")} - {"--help"}
            seen = everywhere if names & SHARED else shown[command]
            if names and not names & seen and not set(option.opts) & seen:
                missing.append(f"{' '.join(command)} {sorted(names)[0]}")
    assert missing == []


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a folder with an export to try things with."""
    monkeypatch.setenv("COMMONPLACE_HOME", str(tmp_path / "home"))
    for name in ("COMMONPLACE_DATABASE_URL", "COMMONPLACE_FILES", "COMMONPLACE_CONFIG", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "commonplace.toml").write_text(f'[destinations.markdown]\nfolder = "{folder / "notes"}"\n')
    write_sample(folder / "chatgpt-export.zip")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.timeout(900)
def test_the_pages_can_be_followed(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for page in WALKED:
        for example in _examples(ROOT / "docs" / f"{page}.md"):
            command, words = _parsed(example)
            if command[0] in NOT_HERE or "openai" in " ".join(words):
                continue
            if command[0] in STAGES and "--dry-run" not in words and "--direct" not in words:
                words = [*words, "--direct"]
            monkeypatch.setattr(Output, "as_json", False)
            done = CliRunner().invoke(app, [*command, *words], input="y\n")
            assert done.exit_code == 0, f"{page}: {example}\n{done.output}"


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:3] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:03}" for number in range(1, len(numbers) + 1)]

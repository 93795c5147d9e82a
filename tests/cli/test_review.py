"""`commonplace review`: a sitting at a real terminal, and the same work in scripts."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner

from commonplace.archive.conversations.merge import merge
from commonplace.archive.verdicts.verdicts import list_corrections, record_verdicts
from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.model import Verdict
from commonplace.session import open_session
from commonplace.stages.categorizing.subjects import headings
from tests.archive.builders import simple_chat


@pytest.fixture
def waiting() -> Iterator[None]:
    """Five conversations in the home's archive that the judge was not sure of."""
    ids = [f"chatgpt:{n}" for n in range(5)]
    with open_session() as (_, _, archive):
        merge(
            archive, None, [simple_chat(id[-1], f"question {id[-1]}?", "Yes.", title=f"[b]Chat {id[-1]}") for id in ids]
        )
        for heading in headings(archive, ids):
            record_verdicts(archive, [_verdict(heading.conversation_id, heading.content_hash)], review_below=0.5)
    yield
    Output.as_json = False


def _verdict(id: str, content_hash: str) -> Verdict:
    return Verdict(
        conversation_id=id,
        content_hash=content_hash,
        category="Health & Fitness" if id == "chatgpt:0" else "Coding",
        runner_up="Creative Writing",
        evidence=["[b]pulse", "knee"],
        confidence=0.1 + int(id[-1]) / 100,
        taxonomy="everyday",
        taxonomy_hash="h",
        judge="local/v1",
        model="local",
        prompt_version="v1",
    )


def said() -> dict[str, Any]:
    with open_session() as (_, _, archive):
        return {word.conversation_id[-1]: word.value for word in list_corrections(archive)}


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    Output.as_json = False
    ended = CliRunner().invoke(app, ["review", *arguments, "--json"], catch_exceptions=False)
    return ended.exit_code, json.loads(ended.stdout)


class Terminal:
    """A command at a terminal of its own, and the person before it."""

    def __init__(self, *arguments: str) -> None:
        self._own, theirs = pty.openpty()
        root = Path(__file__).parents[2]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "commonplace", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=root,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def see(self, text: str) -> None:
        """Wait until this is on the screen, after what was seen before."""
        until = time.monotonic() + 120
        while text not in self.shown:
            assert time.monotonic() < until, self.shown
            if select.select([self._own], [], [], 1)[0]:
                try:
                    self.shown += os.read(self._own, 65536).decode(errors="replace")
                except OSError:  # the other side has closed
                    assert text in self.shown, self.shown
        self.shown = self.shown.partition(text)[2]

    def press(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own)


def test_a_sitting_at_a_terminal_keeps_each_answer_and_takes_back_what_is_undone(waiting: None) -> None:
    with Terminal("review") as terminal:
        _sit(terminal)
    assert said() == {"0": "Health & Fitness", "3": "Coding", "4": "Coding"}
    code, told = run()
    assert (code, told["total"], told["proposed"]) == (0, 2, {"Knitting": 1})


def _sit(terminal: Terminal) -> None:
    terminal.see("1 of 5")
    terminal.see("[b]Chat 0")
    terminal.see("question 0?")
    terminal.see("local: 10% Health & Fitness, or Creative Writing")
    terminal.see("for it spoke: [b]pulse, knee")
    terminal.press("\r")
    terminal.see("2 of 5 · 1 sorted")
    terminal.press("2")
    terminal.see("3 of 5 · 2 sorted")
    terminal.press("u")
    terminal.see("2 of 5 · 1 sorted")
    terminal.press("s")
    terminal.see("3 of 5 · 1 sorted")
    terminal.press("/")
    terminal.see("Category")
    terminal.press("Knitting\r")
    terminal.see("Make it a new category?")
    terminal.press("n\r")
    terminal.see("4 of 5 · 1 sorted")
    terminal.press("a")
    terminal.see("All 2 that")
    terminal.press("1")
    terminal.see("3 sorted, 2 wait.")
    assert terminal.process.wait(60) == 0


def test_scripts_correct_several_at_once_by_name_or_by_what_waits(waiting: None) -> None:
    code, told = run("0", "1", "--category", "coding")
    assert (code, [each["category"] for each in told["kept"]]) == (0, ["Coding", "Coding"])
    code, told = run("--judged", "CODING", "--confirm")
    assert (code, "--yes" in told["hint"]) == (1, True), "what was not named one by one has to be agreed to"
    assert run("--judged", "CODING", "--confirm", "--yes")[0] == 0
    assert said() == dict.fromkeys("01234", "Coding")
    assert run("--confirm", "--yes") == (
        1,
        {"error": "Nothing waits there.", "hint": "`commonplace review --list` shows what does."},
    )
    assert len(run("0", "1", "--withdraw")[1]["withdrawn"]) == 2
    assert (run("--until", "2001-01-01")[1]["total"], run("--since", "2001-01-01")[1]["total"]) == (2, 0)


@pytest.mark.usefixtures("waiting")
def test_tags_are_added_to_several_and_taken_back_by_one_name() -> None:
    asked = ["review", "chatgpt:1", "chatgpt:2", "--add-tags", "bread, rye", "--json"]
    told = json.loads(CliRunner().invoke(app, asked).stdout)
    assert (told["conversations"], told["words"]) == (2, 2)
    with open_session() as (_, _, archive):
        assert len(list_corrections(archive, "tags")) == 2
    back = CliRunner().invoke(app, ["review", "--undo", told["name"]])
    assert back.exit_code == 0
    with open_session() as (_, _, archive):
        assert list_corrections(archive, "tags") == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("said_too", [["--title", "Rye"], ["--tags", "rye"], ["--confirm"]], ids=lambda said: said[0])
def test_a_word_that_does_not_go_with_added_tags_is_refused_and_not_dropped(said_too: list[str]) -> None:
    code, told = run("chatgpt:1", "--add-tags", "bread", *said_too)
    assert (code, told["error"]) == (1, "Only --category goes with --add-tags.")
    assert said() == {}


@pytest.mark.usefixtures("waiting")
def test_tags_are_added_to_nothing_that_was_not_named() -> None:
    assert run("--add-tags", "bread")[1]["error"] == "Which conversations are meant?"

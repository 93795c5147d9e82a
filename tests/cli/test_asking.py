"""`commonplace ask` and a project's assistant, as a person and as a program meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commonplace.archive.conversations.merge import merge
from commonplace.archive.opening import open_archive
from commonplace.archive.projects import registry
from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.config import load
from tests.archive.builders import simple_chat
from tests.fakes.answering import AnsweringServer

CHAT = simple_chat("bread", "I want to bake a rye loaf.", "Let the dough rise for two hours.", title="Rye")


@pytest.fixture(autouse=True)
def filled() -> None:
    settings, _ = load()
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "commonplace.toml").write_text('[meaning]\nmodel = ""\n')
    with open_archive(settings.database_url, files=settings.files) as archive:
        merge(archive, None, [CHAT])
        registry.ensure_named(archive, ["Bakery"])


def say(*arguments: str) -> tuple[int, str]:
    Output.as_json = False
    ended = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    Output.as_json = False
    return ended.exit_code, ended.stdout


def asked(*arguments: str) -> tuple[int, dict[str, Any]]:
    code, told = say("ask", "what did I want to bake?", *arguments, "--json")
    return code, json.loads(told)


def test_with_a_server_at_hand_the_answer_is_printed_with_its_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    with AnsweringServer(lambda told, question: "A [b]rye[/b] loaf [1].", paths=("/v1/chat/completions",)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        code, told = say("ask", "what did I want to bake?", "--model", "home-made")
        assert code == 0
        assert told.startswith("A [b]rye[/b] loaf [1].\n\n[1] Rye")
        code, report = asked("--model", "home-made", "--no-save")
        assert (code, report["answer"], report["model"], report["id"]) == (0, "A [b]rye[/b] loaf [1].", "home-made", "")
        assert [source["id"] for source in report["sources"]] == ["chatgpt:bread"]
        server.manner = "half"
        code, report = asked("--model", "home-made")
        assert code == 1
        assert "broke off" in report["error"]
        sent = len(server.asked)
        assert asked("--model", "none")[1]["model"] == ""
        assert len(server.asked) == sent


def test_without_a_key_the_passages_answer() -> None:
    code, report = asked()
    assert (code, report["model"], report["error"]) == (0, "", "")
    assert report["sources"][0]["text"].startswith("I want to bake a rye loaf.")


def test_an_assistant_is_edited_undone_and_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor.sh"
    written = 'model = "baker-1"\ntemperature = 0.3\ninstructions = """\nBe merry.\n"""\n'
    editor.write_text(f"#!/bin/sh\ncat > $1 <<'END'\n{written}END\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    changed = json.loads(say("projects", "assistant", "Bakery", "--edit", "--json")[1])
    assert (changed["model"], changed["temperature"], changed["instructions"]) == ("baker-1", 0.3, "Be merry.")
    code, told = say("projects", "assistant", "Bakery")
    assert code == 0
    assert "Be merry." in told
    assert "assistant" in say("projects", "show", "Bakery")[1]
    assert say("projects", "undo", changed["event"][:8])[0] == 0
    assert json.loads(say("projects", "assistant", "Bakery", "--json")[1])["model"] == ""
    assert say("projects", "assistant", "Bakery", "--edit")[0] == 0
    assert say("projects", "assistant", "Bakery", "--reset")[0] == 0
    assert json.loads(say("projects", "assistant", "Bakery", "--json")[1])["instructions"] == ""
    editor.write_text("#!/bin/sh\necho 'model = 3' > $1\n")
    code, told = say("projects", "assistant", "Bakery", "--edit", "--json")
    assert code == 1
    assert "cannot be read" in json.loads(told)["error"]


def test_an_editor_that_fails_is_named_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.delenv("VISUAL", raising=False)
    before = say("projects", "assistant", "Bakery", "--json")[1]
    code, told = say("projects", "assistant", "Bakery", "--edit", "--json")
    assert code == 1
    assert "The editor 'false' did not work" in json.loads(told)["error"]
    assert say("projects", "assistant", "Bakery", "--json")[1] == before

"""`commonplace projects` as a person meets it: what is said, and what a model that cannot be asked leads to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonplace.archive.opening import open_archive
from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.config import load
from tests.projects.naming_server import NamingServer
from tests.stages.mapping.test_stage import import_all, world

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say() -> Say:
    """Runs a command; its exit code and what a person reads."""

    def run(*arguments: str) -> tuple[int, str]:
        Output.as_json = False
        ended = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        Output.as_json = False
        return ended.exit_code, ended.output

    return run


@pytest.fixture(autouse=True)
def filled() -> None:
    settings, _ = load()
    with open_archive(settings.database_url, files=settings.files) as archive:
        import_all(archive, world(60)[0])


def configure(text: str) -> None:
    settings, _ = load()
    (settings.home / "commonplace.toml").write_text(text, encoding="utf-8")


def test_a_namer_of_the_settings_is_asked_without_prefect(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    configure('[projects]\nnamer = "compatible"\nmodel = "home-made"\n')
    with NamingServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert say("map", "--direct")[0] == 0
        assert say("projects", "list")[1].count("inferred") == 3
        assert say("projects", "infer-names", "--all")[0] == 0
        assert [asked["model"] for asked in server.asked] == ["home-made"]
        assert say("projects", "infer-names", "--all", "--again")[0] == 0
        assert len(server.asked) == 2


def test_without_a_key_everything_is_mapped_and_the_command_says_what_is_missing(say: Say) -> None:
    configure('[projects]\nnamer = "openai"\n')
    code, said = say("map", "--direct")
    assert code == 1
    assert "OPENAI_API_KEY" in said
    assert json.loads(say("stats", "--json")[1])
    ended = CliRunner().invoke(app, ["map", "--direct", "--json"], catch_exceptions=False)
    report = json.loads(ended.stdout)
    assert (ended.exit_code, report["conversations"]) == (1, 60)
    assert "OPENAI_API_KEY" in report["errors"][0]
    assert "OPENAI_API_KEY" in ended.stderr
    code, said = say("projects", "infer-names")
    assert code == 1
    assert "OPENAI_API_KEY" in said


def test_what_happened_is_said_with_how_to_take_it_back(say: Say, tmp_path: Path) -> None:
    say("map", "--direct")
    code, said = say("projects", "rename", "g-p-aaaa", "Garden")
    assert (code, "Rename to Garden: done. `commonplace projects undo " in said) == (0, True)
    event = said.split("undo ")[1][:8]
    shown = say("projects", "show", "garden")[1]
    assert "g-p-aaaa1111" in shown
    assert f"undo {event}" in shown
    assert "undone" in say("projects", "undo", event)[1]
    sidebar = tmp_path / "projects.toml"
    sidebar.write_text('[projects]\n"g-p-aaaa1111" = "Allotment"\n', encoding="utf-8")
    assert "renamed: 1" in say("projects", "import-names", str(sidebar))[1]

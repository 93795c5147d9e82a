"""Which place a variable is taken from, and what the place it was set in may decide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.config import load
from commonplace.environment import Environment
from commonplace.errors import Refused

KEYS = [
    ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    ("NOTION_TOKEN", "NOTION_BASE_URL"),
    ("NOTION_API_KEY", "NOTION_BASE_URL"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "book"
    home.mkdir()
    monkeypatch.setenv("COMMONPLACE_HOME", str(home))
    return home


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of somebody else that a person stands in."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def opened(home: Path, folder: Path, **variables: str) -> Environment:
    return load({"COMMONPLACE_HOME": str(home), **variables}, folder=folder)[1]


@pytest.mark.parametrize(("key", "address"), KEYS)
def test_a_folder_cannot_have_a_key_sent_elsewhere(home: Path, folder: Path, key: str, address: str) -> None:
    (folder / ".env").write_text(f"{address}=https://thief.example\n")
    with pytest.raises(Refused) as caught:
        opened(home, folder, **{key: "real"}).get(address)
    assert str(folder) in caught.value.message
    (home / ".env").write_text(f"{key}=real\n")
    with pytest.raises(Refused):
        opened(home, folder).get(address)


@pytest.mark.parametrize(("key", "address"), KEYS)
def test_an_address_goes_with_a_key_from_the_same_place(home: Path, folder: Path, key: str, address: str) -> None:
    (folder / ".env").write_text(f"{address}=http://localhost:1\n{key}=theirs\n")
    environment = opened(home, folder)
    assert (environment.get(key), environment.get(address)) == ("theirs", "http://localhost:1")


def test_the_homes_own_variables_are_read_wherever_one_stands(home: Path, folder: Path) -> None:
    (home / ".env").write_text("OPENAI_API_KEY=of-home\nCOMMONPLACE_FILES=/of/home\n")
    settings, environment = load({"COMMONPLACE_HOME": str(home)}, folder=folder)
    assert environment.get("OPENAI_API_KEY") == "of-home"
    assert settings.files == "/of/home"


@pytest.mark.parametrize(
    "name", ["COMMONPLACE_HOME", "COMMONPLACE_DATABASE_URL", "COMMONPLACE_FILES", "PREFECT_API_URL"]
)
def test_a_folder_does_not_say_where_things_are_kept(home: Path, folder: Path, name: str) -> None:
    (folder / ".env").write_text(f"{name}=/elsewhere\n")
    with pytest.raises(Refused, match=name):
        opened(home, folder)


def test_a_folders_settings_do_not_replace_the_homes(home: Path, folder: Path) -> None:
    (folder / "commonplace.toml").write_text("owner = 'theirs'\n")
    assert load({"COMMONPLACE_HOME": str(home)}, folder=folder)[0].owner == "theirs"
    (home / "commonplace.toml").write_text("owner = 'mine'\n")
    assert load({"COMMONPLACE_HOME": str(home)}, folder=folder)[0].owner == "mine"


def test_doctor_says_where_each_value_came_from_and_shows_none(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "commonplace.toml").write_text("[categorize]\njudge = 'local'\n")
    (folder / "commonplace.toml").write_text("owner = 'theirs'\n")
    (home / ".env").write_text("NOTION_TOKEN=hush-home\n")
    (folder / ".env").write_text("OMI_WEBHOOK_SECRET=hush-folder\n")
    monkeypatch.setenv("OPENAI_API_KEY", "hush-process")
    ended = CliRunner().invoke(app, ["doctor", "--json"])
    Output.as_json = False
    told: dict[str, list[str]] = {}
    for check in json.loads(ended.stdout)["checks"]:
        told.setdefault(check["subject"], []).append(f"{check['finding']} {check['remedy']}")
    (settings,) = told["Settings"]
    assert f"{home / 'commonplace.toml'} sets categorize.judge" in settings
    assert f"{folder / 'commonplace.toml'} is not read" in settings
    variables = "\n".join(told["Variables"])
    assert f"{home / '.env'} sets NOTION_TOKEN" in variables
    assert f"{folder / '.env'} sets OMI_WEBHOOK_SECRET" in variables
    assert "the environment sets COMMONPLACE_HOME, OPENAI_API_KEY" in variables
    assert "hush" not in ended.stdout

"""Settings: where they come from, and what a mistake in them says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from commonplace.config import Environment, Settings, load
from commonplace.config.origins import origins
from commonplace.errors import Refused

EXAMPLE = Path(__file__).parents[1] / "commonplace.example.toml"


def test_defaults_need_no_file(tmp_path: Path) -> None:
    settings, _ = load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'archive.db'}"
    assert settings.inbox == tmp_path / "inbox"


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COMMONPLACE_FILES=/from/dotenv\nNOTION_TOKEN=secret\n")
    variables = {"COMMONPLACE_HOME": str(tmp_path)}
    settings, environment = load(variables, folder=tmp_path)
    assert settings.files == "/from/dotenv"
    assert environment.get("NOTION_TOKEN") == "secret"
    settings, _ = load({**variables, "COMMONPLACE_FILES": "/from/environment"}, folder=tmp_path)
    assert settings.files == "/from/environment"


def test_where_there_is_no_file_a_variable_may_hold_the_text_of_one(tmp_path: Path) -> None:
    variables = {"COMMONPLACE_HOME": str(tmp_path), "COMMONPLACE_SETTINGS": "[runs]\nworkers = 2\n"}
    assert load(variables, folder=tmp_path)[0].runs.workers == 2
    with pytest.raises(Refused, match=r"COMMONPLACE_SETTINGS: .*'wokers'\. Did you mean 'workers'"):
        load(variables | {"COMMONPLACE_SETTINGS": "[runs]\nwokers = 2\n"}, folder=tmp_path)
    (tmp_path / "commonplace.toml").write_text("[runs]\nworkers = 3\n")
    assert load(variables, folder=tmp_path)[0].runs.workers == 3


def test_an_environment_shows_no_secret() -> None:
    assert "hush" not in repr(Environment({"OPENAI_API_KEY": "hush"}))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@db/x", "postgresql://me:•••@db/x"),
        ("postgresql://me:hu/sh?@db/x", "postgresql://me:•••@db/x"),
        ("postgresql://me@db/x?password=hush&sslmode=require", "postgresql://me@db/x?password=•••&sslmode=require"),
        ("http://[no address", "http://[no address"),
        ("sqlite:////home/me:hush/a@b.db", "sqlite:////home/me:hush/a@b.db"),
    ],
)
def test_the_settings_that_are_shown_hold_no_password(tmp_path: Path, url: str, shown: str) -> None:
    variables = {"COMMONPLACE_HOME": str(tmp_path), "COMMONPLACE_DATABASE_URL": url}
    found = {one.name: one.value for one in origins(*load(variables, folder=tmp_path))}
    assert found["database_url"] == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[imports]\n", "unknown setting 'imports'. Did you mean 'import'?"),
        (
            "[projects]\nembeddings = 'x'\n",
            "[projects] embeddings is gone. Mapping reads what `commonplace embed` stored",
        ),
        ("[categorize]\njugde = 'local'\n", "[categorize] unknown setting 'jugde'. Did you mean 'judge'?"),
        ("[categorize]\nmax_cost = 'much'\n", "[categorize] max_cost must be a number."),
        ("timezone = 'Mars/Olympus'\n", "no time zone 'Mars/Olympus'"),
        ("home = '/x'\n", "COMMONPLACE_HOME"),
        ("[[\n", "not valid TOML"),
    ],
)
def test_a_mistake_says_where_and_what(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "commonplace.toml").write_text(text)
    with pytest.raises(Refused, match=r".") as caught:
        load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    assert expected in str(caught.value)


def test_settings_under_their_old_names_still_count(tmp_path: Path) -> None:
    (tmp_path / "commonplace.toml").write_text("[categorize]\nrequests_per_minute = 7\njudge = 'openai'\n")
    settings, _ = load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    assert (settings.openai.requests_per_minute, settings.categorize.judge) == (7, "openai")


def _keys(kind: type) -> dict[str, set[str]]:
    sections: dict[str, set[str]] = {"": set()}
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            sections[field.encode_name] = {inner.encode_name for inner in msgspec.structs.fields(field.type)}
        else:
            sections[""].add(field.encode_name)
    return sections


def test_the_example_documents_every_key_and_no_other() -> None:
    """Every line of the example is commented out; uncommented, it is complete and loads."""
    settings = [line[2:] for line in EXAMPLE.read_text().splitlines() if re.match(r"# (\[|\w+ = )", line)]
    written = tomllib.loads("\n".join(settings))
    expected = _keys(Settings)
    from_environment = {"home", "database_url", "files", "config_file"}
    assert {name for name in written if name not in expected} == expected[""] - from_environment
    for section, keys in expected.items():
        if section:
            assert written[section].keys() == keys, section


def test_the_example_loads(tmp_path: Path) -> None:
    settings, _ = load({"COMMONPLACE_HOME": str(tmp_path)}, config_file=EXAMPLE, folder=tmp_path)
    assert settings.categorize.judge == "local"

"""From a section of the settings to a destination, or to a sentence that says what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.config import Environment
from commonplace.destinations import registry
from commonplace.destinations.kind import Surroundings
from commonplace.destinations.markdown import MarkdownDestination
from commonplace.errors import Refused

PACKAGE = """
import msgspec

from commonplace.destinations.fake import FakeSettings, open_fake
from commonplace.destinations.kind import Given, Kind


class PigeonSettings(msgspec.Struct, frozen=True, kw_only=True):
    loft: str
    speed_kmh: float = 70.0
    flock: int = 1
    ringed: bool = False


KIND = Kind(
    title="Carrier Pigeon",
    about="A loft that conversations are carried to.",
    block="Pigeon",
    settings=PigeonSettings,
    open=lambda settings, around: open_fake(FakeSettings(name=settings.loft)),
    given=tuple(
        Given(setting=name, variables=(f"PIGEON_{name.upper()}",), about="A setting.")
        for name in ("loft", "speed_kmh", "flock", "ringed")
    ),
)
"""


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A destination that another package, installed beside ours, brings."""
    (tmp_path / "pigeon_post.py").write_text(PACKAGE)
    about = tmp_path / "pigeon_post-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon-post\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[commonplace.destinations]\npigeon = pigeon_post:KIND\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._all.cache_clear()
    yield "pigeon"
    monkeypatch.undo()
    sys.modules.pop("pigeon_post", None)
    registry._all.cache_clear()
    registry._load.cache_clear()


def test_markdown_needs_nothing_and_goes_beside_the_archive(tmp_path: Path) -> None:
    destination = registry.open_destination("markdown", {}, around=Surroundings(home=tmp_path))
    assert isinstance(destination, MarkdownDestination)
    assert destination.instance == f"markdown:{tmp_path / 'markdown'}"
    assert destination.location == str(tmp_path / "markdown")
    assert not (tmp_path / "markdown").exists()


def test_a_section_chooses_the_folder_and_more(tmp_path: Path) -> None:
    around = Surroundings(home=tmp_path)
    section = {"folder": str(tmp_path / "vault"), "layout": "project"}
    plain = registry.open_destination("markdown", {"folder": str(tmp_path / "vault")}, around=around)
    chosen = registry.open_destination("markdown", section, around=around)
    assert chosen.instance == plain.instance == f"markdown:{tmp_path / 'vault'}"
    assert chosen.settings_hash != plain.settings_hash
    there = Surroundings(timezone="Asia/Tokyo")
    assert registry.open_destination("markdown", section, around=there).settings_hash != chosen.settings_hash


def test_every_kind_is_known_by_name_and_the_fake_is_not_advertised() -> None:
    assert {"markdown", "notion"} <= set(registry.kinds())
    assert "fake" not in registry.kinds()
    assert registry.open_destination("fake", {"name": "x"}).instance == "fake:x"
    with pytest.raises(Refused, match="no kind of destination 'evernote'"):
        registry.open_destination("evernote", {})


def test_another_package_adds_a_kind(pigeon: str) -> None:
    assert pigeon in registry.kinds()
    assert registry.open_destination(pigeon, {"loft": "attic"}).instance == "fake:attic"
    with pytest.raises(Refused, match=r"needs a loft\. .*`commonplace connect pigeon`, or set PIGEON_LOFT"):
        registry.open_destination(pigeon, {})


def test_the_environment_gives_numbers_and_truths_too(pigeon: str) -> None:
    variables = {"PIGEON_LOFT": "10", "PIGEON_SPEED_KMH": "30", "PIGEON_FLOCK": "12", "PIGEON_RINGED": "true"}
    settings = registry.settings_of(pigeon, {}, environment=Environment(variables))
    assert (settings.loft, settings.speed_kmh, settings.flock, settings.ringed) == ("10", 30.0, 12, True)
    with pytest.raises(Refused, match="PIGEON_FLOCK: "):
        registry.settings_of(pigeon, {"loft": "x"}, environment=Environment({"PIGEON_FLOCK": "many"}))


def test_the_section_comes_before_the_environment_and_that_before_what_connect_kept() -> None:
    environment = Environment({"NOTION_TOKEN": "t", "NOTION_DATABASE_ID": "from-environment"})

    def database(section: dict[str, Any], kept: dict[str, Any], environment: Environment = environment) -> str:
        return str(registry.settings_of("notion", section, environment=environment, kept=kept).database_id)

    assert database({"database_id": "from-section"}, {"database_id": "kept"}) == "from-section"
    assert database({"database_id": ""}, {"database_id": "kept"}) == "from-environment"
    assert database({}, {"database_id": "kept"}, Environment({"NOTION_TOKEN": "t"})) == "kept"


def test_what_connect_kept_of_another_database_is_not_used() -> None:
    kept = {"database_id": "old", "data_source_id": "of-the-old"}
    settings = registry.settings_of("notion", {"token": "t", "database_id": "new"}, kept=kept)
    assert (settings.database_id, settings.data_source_id) == ("new", None)


def test_other_names_of_a_variable_work_too() -> None:
    settings = registry.settings_of("notion", {}, environment=Environment({"NOTION_API_KEY": "secret"}))
    assert settings.token == "secret"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"foldr": "x"}, "unknown setting 'foldr'. Did you mean 'folder'"),
        ({"layout": "moon"}, r"\[destinations.markdown\] layout: Invalid enum value 'moon'"),
        ({"asides": "yes"}, r"\[destinations.markdown\] asides must be true or false"),
        ({"timezone": "Mars/Crater"}, "no time zone"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, section: dict[str, str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        registry.open_destination("markdown", section, around=Surroundings(home=tmp_path))


def test_what_is_missing_is_named_with_its_variable() -> None:
    with pytest.raises(Refused, match=r"needs a token\. .* or set NOTION_TOKEN"):
        registry.open_destination("notion", {}, environment=Environment({}))

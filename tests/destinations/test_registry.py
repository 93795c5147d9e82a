"""From a section of the settings to a destination, or to a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.config import Environment
from commonplace.destinations import registry
from commonplace.destinations.markdown import MarkdownDestination
from commonplace.errors import Refused


def test_markdown_needs_nothing_and_goes_beside_the_archive(tmp_path: Path) -> None:
    destination = registry.open_destination("markdown", {}, home=tmp_path)
    assert isinstance(destination, MarkdownDestination)
    assert destination.instance == f"markdown:{tmp_path / 'markdown'}"
    assert registry.place_of("markdown", {}, home=tmp_path) == str(tmp_path / "markdown")
    assert not (tmp_path / "markdown").exists()


def test_a_section_chooses_the_folder_and_more(tmp_path: Path) -> None:
    section = {"folder": str(tmp_path / "vault"), "layout": "project"}
    plain = registry.open_destination("markdown", {"folder": str(tmp_path / "vault")}, home=tmp_path)
    chosen = registry.open_destination("markdown", section, home=tmp_path)
    assert chosen.instance == plain.instance == f"markdown:{tmp_path / 'vault'}"
    assert chosen.settings_hash != plain.settings_hash
    assert registry.open_destination("markdown", section, timezone="Asia/Tokyo").settings_hash != chosen.settings_hash


def test_every_kind_is_known_by_name_and_the_fake_is_not_advertised() -> None:
    assert {"markdown", "notion"} <= set(registry.kinds())
    assert "fake" not in registry.kinds()
    assert registry.open_destination("fake", {"name": "x"}).instance == "fake:x"
    assert registry.place_of("notion", {}, home=Path("/")) is None
    with pytest.raises(Refused, match="no kind of destination 'evernote'"):
        registry.open_destination("evernote", {})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"foldr": "x"}, "unknown setting 'foldr'. Did you mean 'folder'"),
        ({"layout": "moon"}, r"\[destinations.markdown\]: Invalid enum value 'moon'"),
        ({"asides": "yes"}, "Expected `bool`"),
        ({"timezone": "Mars/Crater"}, "no time zone"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, section: dict[str, str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        registry.open_destination("markdown", section, home=tmp_path)


def test_what_is_missing_is_named_with_its_variable() -> None:
    with pytest.raises(Refused, match=r"needs a token\. Set NOTION_TOKEN"):
        registry.open_destination("notion", {}, environment=Environment({}))

"""Which conversations a destination gets: every rule alone, and what a mistake in one says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import correct
from commonplace.config import Settings
from commonplace.destinations.fake import FakeSettings, open_fake
from commonplace.errors import Refused
from commonplace.stages.mapping import projects
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.destinations import sections
from commonplace.stages.syncing.pending import Rules, count_in_scope, pending
from tests.archive.builders import simple_chat


@pytest.fixture
def book(sqlite_archive: Archive) -> Archive:
    """Four conversations: two with a category, two in a project, one archived, one long, one from elsewhere."""
    elsewhere = simple_chat("elsewhere", "a word")
    elsewhere.source = "omi"
    chats = [
        simple_chat("coding", "one", "two", "three", "four"),
        simple_chat("private", "one", "two"),
        simple_chat("plain", "one", "two", is_archived=True),
        elsewhere,
    ]
    merge(sqlite_archive, None, chats)
    for id, category in {"coding": "Coding", "private": "Relationships"}.items():
        correct(sqlite_archive, f"chatgpt:{id}", "category", category, origin="cli", taxonomy="everyday")
    projects.assign(sqlite_archive, "Garden", ["chatgpt:coding"], new=True)
    projects.assign(sqlite_archive, "House", ["chatgpt:plain"], new=True)
    return sqlite_archive


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, "coding private plain elsewhere"),
        ({"categories": ["Coding"]}, "coding"),
        ({"categories": ["Coding", "Relationships"]}, "coding private"),
        ({"exclude_categories": ["Relationships"]}, "coding"),  # what is not judged yet may be just that
        ({"projects": ["Garden"]}, "coding"),
        ({"exclude_projects": ["Garden"]}, "private plain elsewhere"),
        ({"sources": ["omi"]}, "elsewhere"),
        ({"minimum_messages": 3}, "coding"),
        ({"archived": False}, "coding private elsewhere"),
        ({"categories": ["Coding"], "exclude_projects": ["Garden"]}, ""),
    ],
)
def test_a_rule_lets_through_what_it_says(book: Archive, rules: dict[str, Any], expected: str) -> None:
    chosen = sections(settings(rules), "markdown")[2]
    destination = open_fake(FakeSettings())
    found = {item.conversation_id.split(":")[1] for item in pending(book, destination, Selection(), chosen)}
    assert found == set(expected.split())
    assert count_in_scope(book, destination, Selection(), chosen) == len(found)


def test_rules_are_told_apart_from_the_destinations_own_settings() -> None:
    kind, section, rules = sections(settings({"layout": "flat", "minimum_messages": 2}), "markdown")
    assert (kind, section, rules) == ("markdown", {"layout": "flat"}, Rules(minimum_messages=2))


def test_a_wrong_rule_is_named() -> None:
    with pytest.raises(Refused, match=r"\[destinations.markdown\] minimum_messages must be a whole number"):
        sections(settings({"minimum_messages": "many"}), "markdown")


def settings(section: dict[str, Any]) -> Settings:
    return Settings(home=Path("/"), database_url="", files="", destinations={"markdown": section})

"""The rules that are sure of themselves, one before the other."""

from __future__ import annotations

import pytest

from commonplace.config import ProjectSettings
from commonplace.errors import Refused
from commonplace.projects import rules
from commonplace.projects.rules import Looked

REFS = {"g-p-1": "one", "g-p-2": "two", "title:garden": "garden", "g-chef": "kitchen"}


def decided(
    conversation: Looked, named: str | None = None, gpts: dict[str, str] | None = None
) -> tuple[str, str] | None:
    found = rules.clues(conversation, named, gpts=gpts or {})
    rows = rules.decide([conversation], found, REFS).rows(named=True)
    assert len(rows) <= 1
    return (rows[0]["rule"], rows[0]["project_id"]) if rows else None


def looked(**fields: object) -> Looked:
    return Looked(conversation_id="c", content_hash="h", **fields)  # type: ignore[arg-type]


def test_an_explicit_id_comes_before_a_title_and_a_title_before_a_custom_gpt() -> None:
    everything = looked(project_ref="g-p-1", gpt_ref="g-chef")
    assert decided(everything, "title:garden") == ("id", "one")
    assert decided(looked(gpt_ref="g-chef"), "title:garden") == ("title", "garden")
    assert decided(looked(gpt_ref="g-chef")) == ("gpt", "kitchen")


def test_an_id_that_only_messages_have_is_an_id_and_the_last_of_several_wins() -> None:
    assert decided(looked(message_refs=("g-p-1",))) == ("id", "one")
    assert decided(looked(message_refs=("g-p-1", "g-p-2"))) == ("id", "two")
    assert decided(looked(project_ref="g-p-1", message_refs=("g-p-2",))) == ("id", "one")


def test_what_a_person_rejected_is_passed_over() -> None:
    assert decided(looked(project_ref="g-p-1", rejected=("one",)), "title:garden") == ("title", "garden")
    assert decided(looked(project_ref="g-p-1", rejected=("one",))) is None


def test_a_custom_gpt_means_what_the_settings_say() -> None:
    assert decided(looked(gpt_ref="g-new"), gpts={"g-new": "title:garden"}) == ("gpt", "garden")
    assert decided(looked(gpt_ref="g-unknown")) is None


def test_no_conversations_is_no_decisions() -> None:
    assert rules.decide([], [], {}).is_empty()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("[Garden] Roses", "Garden"),
        ("[ My  Garden ]Roses", "My Garden"),
        ("Roses [Garden]", None),
        ("[x] y", None),
        (None, None),
    ],
)
def test_titles_name_projects_by_the_shipped_convention(title: str | None, name: str | None) -> None:
    assert rules.name_in_title(title, rules.title_patterns(ProjectSettings())) == name


@pytest.mark.parametrize("pattern", ["(", "^project: (.*)"])
def test_a_pattern_that_cannot_work_is_refused_by_its_setting(pattern: str) -> None:
    with pytest.raises(Refused, match="title_patterns"):
        rules.title_patterns(ProjectSettings(title_patterns=(pattern,)))


def test_settings_that_would_decide_otherwise_have_another_hash() -> None:
    hashes = {
        rules.rules_hash(settings)
        for settings in (
            ProjectSettings(),
            ProjectSettings(precision=0.95),
            ProjectSettings(similarity=False),
            ProjectSettings(gpts={"g-1": "a"}),
            ProjectSettings(title_patterns=()),
        )
    }
    assert len(hashes) == 5
    assert rules.rules_hash(ProjectSettings(names="x.toml")) in hashes

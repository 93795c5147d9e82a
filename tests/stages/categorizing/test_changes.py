"""A taxonomy that changes has judged again what the change can touch, says how many that is, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import correct, history, record_verdicts
from commonplace.categorize.contract import Category, Taxonomy
from commonplace.errors import Refused
from commonplace.model import Verdict
from commonplace.stages.categorizing.changes import change_of, count_touched
from commonplace.stages.categorizing.pending import pending, prepare
from commonplace.stages.categorizing.subjects import headings
from commonplace.stages.categorizing.taxonomies import (
    keep,
    list_taxonomies,
    merge_categories,
    rename_category,
    taxonomy_named,
    undo_merge,
)
from tests.archive.builders import simple_chat

FOOD, WORK, OTHER = Category(name="Food"), Category(name="Work"), Category(name="Other")
BEFORE = Taxonomy(name="small", categories=(FOOD, WORK, OTHER))
SAID: dict[str, dict[str, Any]] = {
    "food": {"category": "Food", "confidence": 0.9},
    "work": {"category": "Work", "confidence": 0.9},
    "nearly food": {"category": "Work", "confidence": 0.6, "runner_up": "Food"},
    "unsure": {"category": "Work", "confidence": 0.3},
    "other": {"category": "Other", "confidence": 0.9},
}


@pytest.fixture
def judged(sqlite_archive: Archive) -> Archive:
    """An archive of five conversations, judged under `BEFORE`."""
    merge(sqlite_archive, None, [simple_chat(id, "What?", "Yes.") for id in SAID])
    prepare(sqlite_archive, BEFORE)
    found = headings(sqlite_archive, [f"chatgpt:{id}" for id in SAID])
    said = [_verdict(each.conversation_id, each.content_hash) for each in found]
    assert record_verdicts(sqlite_archive, said, review_below=0.5) == 5
    return sqlite_archive


def _verdict(id: str, content_hash: str) -> Verdict:
    by: dict[str, Any] = {
        "taxonomy": "small",
        "taxonomy_hash": BEFORE.hash,
        "judge": "x/1",
        "model": "x",
        "prompt_version": "1",
    }
    return Verdict(conversation_id=id, content_hash=content_hash, **by, **SAID[id.removeprefix("chatgpt:")])


def waiting(archive: Archive, taxonomy: Taxonomy) -> set[str]:
    return {each.conversation_id.removeprefix("chatgpt:") for each in pending(archive, "x/1", taxonomy)}


def with_categories(*categories: Category, **fields: Any) -> Taxonomy:
    return msgspec.structs.replace(BEFORE, categories=categories, **fields)


@pytest.mark.parametrize(
    ("after", "touched"),
    [
        (with_categories(msgspec.structs.replace(FOOD, colour="red"), WORK, OTHER), set()),
        (with_categories(OTHER, WORK, FOOD), set()),
        (
            with_categories(msgspec.structs.replace(FOOD, description="cooking"), WORK, OTHER),
            {"food", "nearly food", "unsure", "other"},
        ),
        (with_categories(FOOD, WORK, Category(name="Bees"), OTHER), {"unsure", "other"}),
        (with_categories(WORK, OTHER), {"food", "nearly food"}),
        (with_categories(FOOD, WORK, OTHER, description="Of a cook."), set(SAID)),
    ],
    ids=["a colour", "the order", "a description", "one more", "one less", "what the set is about"],
)
def test_a_change_judges_again_what_it_can_touch(judged: Archive, after: Taxonomy, touched: set[str]) -> None:
    change = change_of(judged, after)
    assert (count_touched(judged, change, 0.5) if change else 0) == len(touched)
    assert waiting(judged, after) == touched
    prepare(judged, after)
    assert change_of(judged, after) is None, "it is told once"
    assert waiting(judged, after) == touched


def test_a_change_that_is_taken_back_before_a_run_judges_nothing_again(judged: Archive) -> None:
    assert waiting(judged, with_categories(WORK, OTHER))
    assert waiting(judged, BEFORE) == set()


def _said(archive: Archive) -> dict[str, Any]:
    ids = [f"chatgpt:{id}" for id in SAID]
    known = {id: [(one.verdict.category, one.verdict.runner_up) for one in history(archive, id)] for id in ids}
    return known | {filed.conversation.id + " now": filed.category for filed in load_filed(archive, ids)}


def test_a_merge_is_taken_back_with_all_that_it_changed_and_nothing_said_since(judged: Archive) -> None:
    keep(judged, BEFORE)
    correct(judged, "chatgpt:unsure", "category", "Food", origin="cli", taxonomy="small")
    before = _said(judged)
    assert merge_categories(judged, "small", "Food", "Work") == 3
    assert not any("Food" in str(said) for said in _said(judged).values())
    correct(judged, "chatgpt:other", "category", "Work", origin="cli", taxonomy="small")
    assert undo_merge(judged, "small") == 3
    assert _said(judged) == before | {"chatgpt:other now": "Work"}
    assert taxonomy_named(judged, "small") == BEFORE
    assert waiting(judged, BEFORE) == set()  # nothing is judged again
    with pytest.raises(Refused, match="no merge in small to take back"):
        undo_merge(judged, "small")
    merge_categories(judged, "small", "Food", "Work")
    rename_category(judged, "small", "Work", "Labour")
    with pytest.raises(Refused, match="until the set is changed"):
        undo_merge(judged, "small")


def test_a_set_that_ships_is_the_shipped_one_again_after_a_merge_was_taken_back(sqlite_archive: Archive) -> None:
    before = taxonomy_named(sqlite_archive, "everyday")
    merge_categories(sqlite_archive, "everyday", "Coding", "Math")
    undo_merge(sqlite_archive, "everyday")
    assert taxonomy_named(sqlite_archive, "everyday") == before
    assert not any(one.is_own for one in list_taxonomies(sqlite_archive))

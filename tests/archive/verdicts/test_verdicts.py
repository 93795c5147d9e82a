"""Verdicts, corrections and what holds of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from commonplace.archive.care.backup import backup
from commonplace.archive.care.forget import forget
from commonplace.archive.care.restore import restore
from commonplace.archive.conversations import reading
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.figures.frames import conversation_frames
from commonplace.archive.opening import open_archive
from commonplace.archive.rows import to_json
from commonplace.archive.schema import conversations
from commonplace.archive.search.search import search
from commonplace.archive.verdicts import verdicts
from commonplace.archive.verdicts.current import refresh_missing
from commonplace.archive.verdicts.taxonomies import definitions, remove_definition, rename_in_verdicts, save_definition
from commonplace.errors import Refused
from commonplace.model import Usage, Verdict
from tests.archive.builders import simple_chat


def _verdict(id: str = "1", category: str = "Coding", confidence: float = 0.9, **fields: Any) -> Verdict:
    known = {
        "content_hash": "c1:1",
        "taxonomy": "everyday",
        "taxonomy_hash": "t1",
        "judge": "local/v1",
        "model": "local",
        "prompt_version": "v1",
        "summary": f"About {id}.",
        "tags": ["a", "b"],
    }
    return Verdict(conversation_id=f"chatgpt:{id}", category=category, confidence=confidence, **{**known, **fields})


def _fill(archive: Archive, *ids: str) -> None:
    merge(archive, None, [simple_chat(id, "question", "answer", title=f"Title {id}") for id in ids])


def _holds(archive: Archive, id: str = "1") -> Any:
    with archive.read() as connection:
        return connection.execute(select(conversations).where(conversations.c.id == f"chatgpt:{id}")).one()


def _record(archive: Archive, *found: Verdict, at: int | None = None) -> int:
    return verdicts.record_verdicts(archive, found, review_below=0.5, at=at)


def test_a_verdict_holds_until_a_newer_one_is_there(archive: Archive) -> None:
    _fill(archive, "1")
    assert _record(archive, _verdict(), at=1) == 1
    first = _holds(archive)
    assert (first.category, first.tags, first.summary, first.confidence) == ("Coding", '["a","b"]', "About 1.", 0.9)
    assert not first.needs_review
    _record(archive, _verdict(category="Math", confidence=0.3, judge="openai/x/p1"), at=2)
    second = _holds(archive)
    assert second.category == "Math"
    assert second.needs_review
    assert second.verdict_hash != first.verdict_hash
    history = verdicts.history(archive, "chatgpt:1")
    assert [(past.verdict.category, past.judged_at) for past in history] == [("Math", 2), ("Coding", 1)]


def test_the_verdict_hash_changes_with_everything_that_is_shown_and_nothing_else(archive: Archive) -> None:
    _fill(archive, "1")
    _record(archive, _verdict(), at=1)
    before = _holds(archive).verdict_hash
    _record(archive, _verdict(usage=Usage(input_tokens=7), confidence=0.9001), at=2)
    assert _holds(archive).verdict_hash == before
    others: list[dict[str, Any]] = [{"tags": ["b"]}, {"summary": "x"}, {"language": "de"}, {"title": "T"}]
    others.append({"insights": {"topics": []}})
    for changed in others:
        _record(archive, _verdict(**changed), at=3)
        assert _holds(archive).verdict_hash != before


def test_a_verdict_comes_back_as_it_was_given(archive: Archive) -> None:
    _fill(archive, "1")
    given = _verdict(
        runner_up="Math",
        insights={"topics": [{"name": "x"}]},
        language="de",
        usage=Usage(input_tokens=10, cached_tokens=4, output_tokens=3, cost_usd=0.5),
    )
    _record(archive, given)
    assert verdicts.history(archive, "chatgpt:1")[0].verdict == given
    assert verdicts.insights_of(archive, ["chatgpt:1", "chatgpt:2"]) == {"chatgpt:1": {"topics": [{"name": "x"}]}}


def test_a_persons_word_wins_and_survives_every_judge(archive: Archive) -> None:
    _fill(archive, "1")
    _record(archive, _verdict(confidence=0.2))
    assert verdicts.correct(archive, "chatgpt:1", "category", "Money & Law", origin="cli")
    assert verdicts.correct(archive, "chatgpt:1", "tags", ["mine"], origin="web")
    _record(archive, _verdict(category="Math", confidence=0.1, summary="New."))
    now = _holds(archive)
    assert (now.category, now.tags, now.confidence, now.needs_review) == ("Money & Law", '["mine"]', 1.0, False)
    assert now.summary == "New."
    assert verdicts.withdraw(archive, "chatgpt:1", ["category"], review_below=0.5) == ["category"]
    assert verdicts.withdraw(archive, "chatgpt:1", ["category"], review_below=0.5) == []
    now = _holds(archive)
    assert (now.category, now.tags, now.confidence, now.needs_review) == ("Math", '["mine"]', 0.1, True)
    assert verdicts.withdraw(archive, "chatgpt:1", review_below=0.5) == ["tags"]
    assert _holds(archive).tags == to_json(_verdict().tags)


def test_a_word_waits_while_another_taxonomy_is_in_use(archive: Archive) -> None:
    _fill(archive, "1")
    _record(archive, _verdict(), at=1)
    verdicts.correct(archive, "chatgpt:1", "category", "Math", origin="cli")
    _record(archive, _verdict(category="Write Fiction", taxonomy="usage"), at=2)
    assert _holds(archive).category == "Write Fiction"
    _record(archive, _verdict(), at=3)
    assert _holds(archive).category == "Math"


def test_an_older_word_does_not_replace_a_newer_one(archive: Archive) -> None:
    _fill(archive, "1")
    assert verdicts.correct(archive, "chatgpt:1", "category", "Math", origin="web", at=20)
    assert not verdicts.correct(archive, "chatgpt:1", "category", "Coding", origin="notion", at=10)
    assert _holds(archive).category == "Math"
    assert [word.origin for word in verdicts.list_corrections(archive)] == ["web"]


@pytest.mark.parametrize(("field", "value"), [("category", ""), ("tags", "x"), ("summary", "x"), ("title", ["x"])])
def test_a_correction_of_the_wrong_kind_is_refused(sqlite_archive: Archive, field: Any, value: Any) -> None:
    _fill(sqlite_archive, "1")
    with pytest.raises(Refused):
        verdicts.correct(sqlite_archive, "chatgpt:1", field, value, origin="cli")


def test_a_correction_of_what_is_not_there_is_refused(sqlite_archive: Archive) -> None:
    with pytest.raises(Refused, match="no conversation chatgpt:9"):
        verdicts.correct(sqlite_archive, "chatgpt:9", "category", "Math", origin="cli")


def test_the_review_queue_begins_with_the_least_confident_and_has_pages(archive: Archive) -> None:
    _fill(archive, *"12345")
    _record(archive, *(_verdict(id, confidence=int(id) / 10, runner_up="Math") for id in "12345"))
    assert verdicts.count_waiting(archive) == 4
    queue = verdicts.review_queue(archive, limit=2)
    assert [(waiting.id, waiting.confidence) for waiting in queue] == [("chatgpt:1", 0.1), ("chatgpt:2", 0.2)]
    assert queue[0].runner_up == "Math"
    assert queue[0].judge == "local/v1"
    verdicts.correct(archive, "chatgpt:3", "category", "Coding", origin="cli")
    assert [waiting.id for waiting in verdicts.review_queue(archive, limit=2, offset=2)] == ["chatgpt:4"]
    verdicts.correct(archive, "chatgpt:4", "tags", ["x"], origin="cli")
    assert verdicts.count_waiting(archive) == 3, "other tags do not settle the category"


def test_verdicts_of_forgotten_conversations_are_left_out_and_owners_are_apart(archive: Archive) -> None:
    _fill(archive, "1")
    assert _record(archive, _verdict("1"), _verdict("9")) == 1
    other = archive.of("you")
    assert verdicts.record_verdicts(other, [_verdict("1")], review_below=0.5) == 0
    assert verdicts.history(other, "chatgpt:1") == []


def test_conversations_made_again_find_their_verdicts(archive: Archive) -> None:
    _fill(archive, "1", "2")
    _record(archive, _verdict("1"))
    verdicts.correct(archive, "chatgpt:2", "category", "Math", origin="cli")
    with archive.write() as connection:
        connection.execute(conversations.delete())
    _fill(archive, "1", "2")
    assert _holds(archive).category is None
    assert refresh_missing(archive, review_below=0.5) == 2
    assert refresh_missing(archive, review_below=0.5) == 0
    assert (_holds(archive, "1").category, _holds(archive, "2").category) == ("Coding", "Math")


def test_what_spoke_for_a_category_is_kept_shown_saved_and_forgotten(
    archive: Archive, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    _fill(archive, "1")
    _record(archive, _verdict(evidence=["sourdough", "oven"], confidence=0.1))
    assert [each.evidence for each in verdicts.review_queue(archive)] == [["sourdough", "oven"]]
    backup(archive, tmp_path / "b.zip")
    with open_archive(new_database("sqlite")) as other:
        restore(other, tmp_path / "b.zip")
        assert verdicts.history(other, "chatgpt:1")[0].verdict.evidence == ["sourdough", "oven"]
    forget(archive, ids=["chatgpt:1"])
    assert verdicts.history(archive, "chatgpt:1") == []


def test_every_reader_shows_a_persons_title_else_the_sources_else_a_judges(archive: Archive) -> None:
    merge(archive, None, [simple_chat("1", "a", title="Own"), simple_chat("2", "b"), simple_chat("3", "c")])
    _record(archive, *(_verdict(id, title=f"Judged {id}", confidence=0.1) for id in "123"))
    verdicts.correct(archive, "chatgpt:3", "title", 'My "größter" fund', origin="cli")
    ids = [f"chatgpt:{id}" for id in "123"]
    titles = {ids[0]: "Own", ids[1]: "Judged 2", ids[2]: 'My "größter" fund'}
    assert {each.id: each.title for each in reading.list_conversations(archive)} == titles
    assert {each.conversation.id: each.title for each in reading.load_filed(archive, ids)} == titles
    assert {each.id: each.title for each in verdicts.review_queue(archive)} == titles
    assert {
        id: title for frame in conversation_frames(archive) for id, title in frame[["id", "title"]].rows()
    } == titles
    assert {each.id: each.title for each in search(archive, "").results} == titles
    for typed, found in (("größter", [ids[2]]), ("GRÖ*", [ids[2]]), ("größter -fund", []), ("Own", [ids[0]])):
        assert [each.id for each in search(archive, typed).results] == found


def test_renaming_a_category_renames_its_verdicts_and_has_none_made_again(archive: Archive) -> None:
    _fill(archive, "1", "2", "3")
    _record(archive, _verdict("1"), _verdict("2", category="Math", runner_up="Coding", confidence=0.2), _verdict("3"))
    verdicts.correct(archive, "chatgpt:3", "category", "Coding", origin="cli")
    before = _holds(archive).verdict_hash
    assert rename_in_verdicts(archive, "everyday", "Coding", "Programming", hashes=("t1", "t2")) == 3
    assert [_holds(archive, id).category for id in "123"] == ["Programming", "Math", "Programming"]
    assert _holds(archive).verdict_hash != before
    judged = verdicts.history(archive, "chatgpt:2")[0].verdict
    assert (judged.runner_up, judged.taxonomy_hash) == ("Programming", "t2")
    assert _holds(archive, "2").needs_review


def test_definitions_are_kept_by_name(archive: Archive) -> None:
    save_definition(archive, "mine", "h1", "{}")
    save_definition(archive, "mine", "h2", "{}")
    assert {name: row.hash for name, row in definitions(archive).items()} == {"mine": "h2"}
    assert definitions(archive.of("you")) == {}
    assert remove_definition(archive, "mine")
    assert not remove_definition(archive, "mine")

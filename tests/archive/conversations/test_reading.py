"""Conversations out of the archive."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert

from commonplace.archive import schema
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import (
    conversation_ids,
    find_conversation,
    list_conversations,
    load_conversation,
    load_conversations,
    load_filed,
)
from commonplace.archive.core import Archive
from commonplace.archive.scope import Scope
from commonplace.errors import Refused
from tests.archive.builders import simple_chat


@pytest.fixture
def filled(archive: Archive) -> Archive:
    chats = [simple_chat(f"{n:04x}-c", "question", "answer", updated=n * 100, title=f"Chat {n}") for n in range(1, 6)]
    merge(archive, None, [*chats, simple_chat("undated", "x", updated=None)])
    merge(archive.of("other"), None, [simple_chat("0001-c", "theirs"), simple_chat("theirs", "x")])
    project = {"owner": "me", "id": "p1", "name": "Garden", "name_source": "person", "created_at": 1, "updated_at": 1}
    table = schema.conversations
    with archive.write() as connection:
        connection.execute(insert(schema.projects).values(project))
        told: dict[str, Any] = {"category": "Health", "tags": '["a","b"]', "summary": "S", "language": "en"}
        of_two = (table.c.owner == "me") & (table.c.id == "chatgpt:0002-c")
        connection.execute(
            table.update().where(of_two).values(**told, confidence=0.5, verdict_hash="v", project_id="p1")
        )
        for judged_at, insight in ((1, "old"), (2, "new")):
            verdict = {
                "owner": "me",
                "conversation_id": "chatgpt:0002-c",
                "taxonomy": "everyday",
                "judge": f"j{judged_at}",
                "content_hash": "h",
                "taxonomy_hash": "t",
                "model": "m",
                "prompt_version": "1",
                "category": "Health",
                "confidence": 0.5,
                "insights": f'{{"said":"{insight}"}}',
                "judged_at": judged_at,
            }
            connection.execute(insert(schema.verdicts).values(verdict))
    return archive


def test_bounds_are_half_open_and_those_without_a_date_have_none(filled: Archive) -> None:
    assert conversation_ids(filled, Scope(since=200, until=400)) == ["chatgpt:0002-c", "chatgpt:0003-c"]
    assert conversation_ids(filled, limit=2) == ["chatgpt:undated", "chatgpt:0001-c"]
    assert len(conversation_ids(filled)) == 6


def test_a_project_is_named_by_its_id_or_its_name(filled: Archive) -> None:
    for project in ("p1", "Garden"):
        assert conversation_ids(filled, Scope(project=project)) == ["chatgpt:0002-c"]
    assert conversation_ids(filled, Scope(category="Health", source="chatgpt")) == ["chatgpt:0002-c"]
    assert conversation_ids(filled, Scope(source="omi")) == []


def test_a_list_is_newest_first_and_pages(filled: Archive) -> None:
    entries = list_conversations(filled)
    assert [entry.title for entry in entries] == ["Chat 5", "Chat 4", "Chat 3", "Chat 2", "Chat 1", None]
    assert (entries[3].project_name, entries[3].tags, entries[3].message_count) == ("Garden", ["a", "b"], 2)
    assert list_conversations(filled, limit=2, offset=3) == entries[3:5]


def test_what_the_stages_say_comes_along(filled: Archive) -> None:
    wanted = ["chatgpt:0002-c", "chatgpt:absent", "chatgpt:0001-c"]
    two, one = load_filed(filled, wanted)
    assert (two.category, two.tags, two.summary, two.language) == ("Health", ["a", "b"], "S", "en")
    assert (two.confidence, two.verdict_hash, two.insights) == (0.5, "v", {"said": "new"})
    assert (two.project_id, two.project_name) == ("p1", "Garden")
    assert [message.text for message in two.conversation.messages] == ["question", "answer"]
    assert (one.category, one.tags, one.insights, one.project_name) == (None, [], None, None)


def test_conversations_come_in_the_order_asked_for(filled: Archive) -> None:
    wanted = [f"chatgpt:000{n}-c" for n in (3, 1, 2)] * 100
    assert [conversation.id for conversation in load_conversations(filled, wanted)] == wanted
    assert load_conversation(filled, "chatgpt:theirs") is None


@pytest.mark.parametrize(
    "typed",
    ["chatgpt:0002-c", "0002-c", "0002", "chatgpt:0002", " 0002-c ", "https://chatgpt.com/c/0002-c?model=x"],
)
def test_a_conversation_is_found_by_what_people_paste(filled: Archive, typed: str) -> None:
    assert find_conversation(filled, typed) == "chatgpt:0002-c"


@pytest.mark.parametrize("typed", ["000", "chatgpt:", "theirs", "", "%", "_002-c", "absent"])
def test_what_means_no_or_several_conversations_is_refused(filled: Archive, typed: str) -> None:
    with pytest.raises(Refused):
        find_conversation(filled, typed)


def test_the_newest_are_listed_without_sorting_all(archive: Archive) -> None:
    merge(archive, None, [simple_chat(f"c-{n}", "words", updated=n) for n in range(60)])
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    event.listen(archive.engine, "before_cursor_execute", note)
    list_conversations(archive, limit=10)
    event.remove(archive.engine, "before_cursor_execute", note)
    ((statement, parameters),) = asked
    with archive.read() as connection:
        if not archive.is_sqlite:  # of so few it would read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN QUERY PLAN" if archive.is_sqlite else "EXPLAIN"
        plan = str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())
    assert ("ix_conversations_updated" if archive.is_sqlite else "Presorted Key: conversations.updated_at") in plan

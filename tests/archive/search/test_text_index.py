"""The text index: in step whatever is written, built again while others write, and honest about itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from commonplace.archive import schema
from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.leases import hold
from commonplace.archive.opening import open_archive
from commonplace.archive.search import text_index, text_index_sqlite
from commonplace.archive.search.search import search
from tests.archive.builders import chat, message, simple_chat


def found(archive: Archive, typed: str) -> list[str]:
    return sorted(result.id.removeprefix("chatgpt:") for result in search(archive, typed, limit=200).results)


def is_live(archive: Archive) -> bool:
    with archive.read() as connection:
        return text_index.is_live(connection)


def test_a_new_archive_has_a_live_index(archive: Archive) -> None:
    assert is_live(archive)
    assert text_index.check(archive) == []


def test_it_follows_what_is_written(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "alpha 東京", "beta", title="gamma 京都"), simple_chat("b", "alpha")])
    assert found(archive, "alpha") == ["a", "b"]
    table = schema.messages.c
    with archive.write() as connection:
        connection.execute(update(schema.messages).where(table.id == "b-0").values(text="delta 大阪"))
        connection.execute(update(schema.messages).where(table.id == "a-1").values(is_hidden=True))
        connection.execute(
            update(schema.conversations).where(schema.conversations.c.external_id == "a").values(title=None)
        )
    assert (found(archive, "alpha"), found(archive, "delta"), found(archive, "大阪")) == (["a"], ["b"], ["b"])
    assert (found(archive, "beta"), found(archive, "gamma"), found(archive, "京都")) == ([], [], [])
    with archive.write() as connection:
        connection.execute(delete(schema.conversations).where(schema.conversations.c.external_id == "a"))
    assert (found(archive, "alpha"), found(archive, "東京")) == ([], [])
    assert text_index.check(archive) == []


def test_what_is_forgotten_is_not_in_the_file_any_more(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("a", "xylophonist", title="vibraphone 東京"), simple_chat("b", "other")])
    forget(sqlite_archive, ids=["chatgpt:a"])
    path = str(sqlite_archive.engine.url.database)
    sqlite_archive.close()
    with open(path, "rb") as file:  # noqa: PTH123
        content = file.read()
    assert not any(word.encode() in content for word in ("ylophonist", "ibraphone", "東京"))
    assert text_index.check(sqlite_archive) == []


def test_a_bulk_load_sets_it_aside_and_builds_it_once(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "alpha")])
    text_index.suspend(archive)
    text_index.suspend(archive)
    assert not is_live(archive)
    assert text_index.check(archive) != []
    merge(archive, None, [simple_chat("b", "alpha"), simple_chat("a", "changed", updated=200)])
    text_index.rebuild(archive)
    assert is_live(archive)
    assert (found(archive, "alpha"), found(archive, "changed")) == (["b"], ["a"])
    merge(archive, None, [simple_chat("c", "alpha")])
    assert found(archive, "alpha") == ["b", "c"]
    assert text_index.check(archive) == []


def test_building_a_live_index_changes_nothing(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "alpha")])
    text_index.rebuild(archive)
    assert (is_live(archive), found(archive, "alpha"), text_index.check(archive)) == (True, ["a"], [])


def test_what_others_write_while_it_is_built_is_not_lost(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two steps somebody adds, changes and deletes on both sides of what is indexed so far."""
    monkeypatch.setattr(text_index_sqlite, "_ROWS_AT_ONCE", 7)
    merge(sqlite_archive, None, [simple_chat(f"{n:02}", f"word{n}", f"common {n}") for n in range(30)])
    text_index.suspend(sqlite_archive)
    build_some = text_index._build_some
    steps = iter(range(1, 8))

    def interfere_and_build(archive: Archive) -> bool:
        step = next(steps, None)
        if step is not None:
            interfere(archive, step)
        return build_some(archive)

    monkeypatch.setattr(text_index, "_build_some", interfere_and_build)
    text_index.rebuild(sqlite_archive)
    assert next(steps, None) is None
    assert text_index.check(sqlite_archive) == []
    assert found(sqlite_archive, "changed2") == ["02", "27"]
    assert found(sqlite_archive, "added3") == ["15"]
    assert len(found(sqlite_archive, "common")) == 30 - 14


def interfere(archive: Archive, step: int) -> None:
    table = schema.messages.c
    with archive.write() as connection:
        for number in (step, 29 - step):
            changed = update(schema.messages).where(table.id == f"{number:02}-0").values(text=f"changed{step}")
            connection.execute(changed)
            connection.execute(delete(schema.messages).where(table.id == f"{number:02}-1"))
        row = connection.execute(select(schema.messages).where(table.id == "15-0")).one()._mapping
        added = {name: row[name] for name in row if name != "key"} | {"id": f"added-{step}", "text": f"added{step}"}
        connection.execute(insert(schema.messages).values(added))


def test_a_build_that_was_killed_is_finished_by_the_next_one(
    sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index_sqlite, "_ROWS_AT_ONCE", 5)
    merge(sqlite_archive, None, [simple_chat(f"{n}", "alpha", "beta") for n in range(20)])
    text_index.suspend(sqlite_archive)
    build = text_index_sqlite.Index.build
    reached: list[int | None] = []

    def build_until_killed(connection: Any, upto: int) -> int | None:
        if len(reached) == 3:
            raise KeyboardInterrupt
        reached.append(build(connection, upto))
        return reached[-1]

    with monkeypatch.context() as killed:
        killed.setattr(text_index_sqlite.Index, "build", staticmethod(build_until_killed))
        with pytest.raises(KeyboardInterrupt):
            text_index.rebuild(sqlite_archive)
    assert not is_live(sqlite_archive)
    merge(sqlite_archive, None, [simple_chat("late", "alpha")])
    assert text_index.ensure_live(sqlite_archive)
    assert text_index.check(sqlite_archive) == []
    assert len(found(sqlite_archive, "alpha")) == 21


def test_several_may_build_it_at_once(new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_index_sqlite, "_ROWS_AT_ONCE", 50)
    url = new_database("sqlite")
    with open_archive(url) as archive:
        merge(archive, None, [simple_chat(f"{n}", "alpha", "beta") for n in range(200)])
        text_index.suspend(archive)
        archives = [open_archive(url) for _ in range(3)]
        builders = [threading.Thread(target=text_index.rebuild, args=(one,)) for one in archives]
        for builder in builders:
            builder.start()
        for builder, one in zip(builders, archives, strict=True):
            builder.join()
            one.close()
        assert is_live(archive)
        assert text_index.check(archive) == []


def test_nobody_builds_it_while_an_import_has_set_it_aside(archive: Archive) -> None:
    text_index.suspend(archive)
    with hold(archive, "import:somebody"):
        assert not text_index.ensure_live(archive)
    assert text_index.ensure_live(archive)


def test_the_check_sees_what_is_missing_and_what_is_too_much(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("a", "alpha", "beta"), simple_chat("b", "gamma")])
    with sqlite_archive.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER messages_fts_insert")
        connection.exec_driver_sql("DROP TRIGGER messages_fts_delete")
        connection.exec_driver_sql("DROP TRIGGER messages_fts_update")
    merge(sqlite_archive, None, [simple_chat("c", "delta")])
    with sqlite_archive.write() as connection:
        connection.execute(delete(schema.messages).where(schema.messages.c.id == "b-0"))
        connection.execute(update(schema.messages).where(schema.messages.c.id == "a-0").values(text="epsilon"))
    problems = text_index.check(sqlite_archive)
    assert problems == [
        "messages_fts lacks 1 of 3.",
        "messages_fts has 1 that are not there any more.",
        "messages_fts does not find 2 messages by their words.",
    ]


@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_goes_in_and_comes_out_again(sqlite_archive: Archive, texts: list[str]) -> None:
    storable = [text.encode("utf-8", "ignore").decode() for text in texts]
    merge(sqlite_archive, None, [chat("x", [message(f"x{n}", text or " ") for n, text in enumerate(storable)])])
    forget(sqlite_archive, ids=["chatgpt:x"])
    with sqlite_archive.write() as connection:
        connection.execute(delete(schema.tombstones))
        for word in ("a", "0"):
            hits = connection.exec_driver_sql(
                "SELECT rowid FROM messages_fts WHERE messages_fts MATCH ?", (f"{word}*",)
            )
            assert hits.all() == []
    assert text_index.check(sqlite_archive) == []

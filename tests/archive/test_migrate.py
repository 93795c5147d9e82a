"""Migrations: once, safely, with a copy of what was there."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

from commonplace.archive import migrate as migrations
from commonplace.archive.care.verify import verify
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.metadata import metadata
from commonplace.archive.migrations import HEAD
from commonplace.archive.migrations.versions import r0001_first
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import settings
from commonplace.archive.search import text_index
from commonplace.archive.search.search import search
from commonplace.errors import Halt
from tests.archive.builders import simple_chat


def _at_revision(url: str, revision: str) -> None:
    """An archive that says that it is of that revision."""
    with open_archive(url) as archive, archive.write() as connection:
        connection.execute(insert(settings).values(name="mark", value="before"))
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def test_an_sqlite_archive_is_copied_before_it_changes(
    new_database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database("sqlite")
    _at_revision(url, "0000")
    monkeypatch.setattr(migrations, "_upgrade", lambda connection: None)  # there is no older revision yet
    with open_archive(url):
        pass
    copy = tmp_path / "backups" / f"before-{HEAD}.db"
    with sqlite3.connect(copy) as opened:
        assert opened.execute("SELECT value FROM archive_settings WHERE name = 'mark'").fetchall() == [("before",)]
    opened.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_an_archive_of_a_newer_version_is_left_alone(archive_url: str) -> None:
    _at_revision(archive_url, "9999")
    with pytest.raises(Halt, match="newer Commonplace"):
        open_archive(archive_url)
    with pytest.raises(Halt, match="newer Commonplace"):
        open_archive(archive_url)


def test_a_migration_that_fails_changes_nothing(
    bare_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = bare_database("sqlite")

    def fail(connection: object) -> None:
        raise RuntimeError("the migration is wrong")

    monkeypatch.setattr(migrations, "_upgrade", fail)
    with pytest.raises(RuntimeError):
        open_archive(url)
    monkeypatch.undo()
    with open_archive(url) as archive, archive.read() as connection:
        assert migrations.current_revision(connection) == HEAD


def test_an_archive_with_the_first_text_index_is_searchable_after_an_update(archive_url: str) -> None:
    with open_archive(archive_url) as archive:
        merge(archive, None, [simple_chat("a", "東京 with bread", title="大阪")])
        if archive.is_sqlite:
            with archive.write() as connection:
                _make_the_first_index(connection)
        first = Path(r0001_first.__file__).read_text()
        with archive.write() as connection:
            metadata.drop_all(connection, [made for made in metadata.sorted_tables if f'"{made.name}"' not in first])
            connection.execute(text("ALTER TABLE verdicts DROP COLUMN evidence"))
            for table in ("conversations", "imports"):
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN account"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with open_archive(archive_url) as archive:
        assert verify(archive).is_well, "an update is nothing that went wrong"
        merge(archive, None, [simple_chat("b", "京都")])
        found = {
            words: [result.id for result in search(archive, words).results]
            for words in ("東京", "bread", "大阪", "京都")
        }
    assert found == {"東京": ["chatgpt:a"], "bread": ["chatgpt:a"], "大阪": ["chatgpt:a"], "京都": ["chatgpt:b"]}


def _make_the_first_index(connection: Connection) -> None:
    """As the first version made it, as far as it matters: two columns, and triggers that call what is gone."""
    for table, column, rows in (("messages_fts", "text", "messages"), ("titles_fts", "title", "conversations")):
        for event in ("insert", "delete", "update"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_{event}")
        connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql(f"CREATE VIRTUAL TABLE {table} USING fts5({column}, grams, content='')")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_insert AFTER INSERT ON {rows} BEGIN "
            f"INSERT INTO {table} (rowid, {column}, grams) VALUES (new.key, new.{column}, grams(new.{column})); END"
        )


def test_the_revisions_lead_to_the_schema_that_the_code_uses(archive: Archive) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with archive.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_of_the_schema})
        changes = compare_metadata(context, metadata)
        assert [change for change in changes if change[0][0] != "modify_comment"] == []


def test_the_text_index_is_put_back_as_the_revisions_made_it(archive: Archive) -> None:
    made = _text_index(archive)
    merge(archive, None, [simple_chat("a", "words")])
    text_index.renew(archive)
    assert _text_index(archive) == made
    assert any("messages" in name for name in made)


def _text_index(archive: Archive) -> dict[str, str]:
    """What the database says of everything that is part of it."""
    kept = (
        "SELECT name, sql FROM sqlite_master WHERE name LIKE '%\\_fts\\_%' ESCAPE '\\'"
        if archive.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE strpos(indexdef, 'commonplace_') > 0"
    )
    with archive.read() as connection:
        return {name: " ".join(said.split()) for name, said in connection.exec_driver_sql(kept) if said}


def _is_of_the_schema(_thing: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """The text index is no part of the schema: its tables and indexes are its own business."""
    if kind == "table":
        return name in metadata.tables
    return kind != "index" or not reflected or name in {i.name for t in metadata.tables.values() for i in t.indexes}

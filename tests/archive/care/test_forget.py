"""Forgetting: gone from everywhere it can be gone from, and not brought back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from commonplace.archive import schema
from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.files.files import path_of, put_file
from commonplace.archive.leases import AlreadyRunning, hold
from commonplace.archive.ledger import ArchiveLedger
from commonplace.errors import Refused
from commonplace.model import Attachment
from tests.archive.builders import chat, message, simple_chat


def _ids(archive: Archive) -> set[str]:
    with archive.read() as connection:
        return set(connection.execute(select(schema.conversations.c.id)).scalars())


def _with_picture(archive: Archive, id: str, picture: bytes) -> str:
    sha256 = put_file(archive, io.BytesIO(picture), kind="attachment", name="picture.png")
    attachment = Attachment(id=f"file-{id}", kind="image", name="picture.png", sha256=sha256)
    merge(archive, None, [chat(id, [message(f"{id}-1", "look", attachments=[attachment])])])
    return sha256


def _kept_export(archive: Archive, content: bytes) -> str:
    sha256 = put_file(archive, io.BytesIO(content), kind="export", name="export.zip")
    row = {"source": "chatgpt", "name": "export.zip", "status": "completed", "started_at": 1, "sha256": sha256}
    with archive.write() as connection:
        connection.execute(insert(schema.imports).values(id=content.hex(), owner=archive.owner, **row))
    return sha256


def test_a_conversation_goes_with_all_that_was_said_about_it(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "secret words", "indeed"), simple_chat("b", "other words")])
    about = {"owner": "me", "conversation_id": "chatgpt:a"}
    with archive.write() as connection:
        connection.execute(
            insert(schema.corrections).values(**about, field="category", value='"x"', origin="cli", corrected_at=1)
        )
        connection.execute(insert(schema.features).values(**about, kind="words", content_hash="c1:", vector=b"secret"))
    report = forget(archive, ids=["chatgpt:a"])
    assert report.conversation_ids == ["chatgpt:a"]
    assert report.messages == 2
    assert _ids(archive) == {"chatgpt:b"}
    with archive.read() as connection:
        for table in (schema.corrections, schema.features):
            assert connection.execute(select(table)).all() == []
        assert list(connection.execute(select(schema.messages.c.text)).scalars()) == ["other words"]


def test_a_dry_run_tells_the_same_and_takes_nothing(archive: Archive) -> None:
    _with_picture(archive, "a", b"only a")
    planned = forget(archive, ids=["chatgpt:a"], dry_run=True)
    assert _ids(archive) == {"chatgpt:a"}
    done = forget(archive, ids=["chatgpt:a"])
    assert planned.dry_run
    assert not done.dry_run
    done.dry_run = True
    assert planned == done
    assert (planned.messages, planned.attachments, planned.files, planned.bytes) == (1, 1, 1, 6)


def test_importing_it_again_does_not_bring_it_back(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "words")])
    forget(archive, ids=["chatgpt:a"])
    merge(archive, None, [simple_chat("a", "words", "more", updated=200), simple_chat("b", "others")])
    assert _ids(archive) == {"chatgpt:b"}
    assert forget(archive, ids=["chatgpt:a"]).conversation_ids == []


def test_files_go_when_no_other_conversation_shows_them(archive: Archive) -> None:
    alone, shared = _with_picture(archive, "a", b"alone"), _with_picture(archive, "b", b"shared")
    assert _with_picture(archive, "c", b"shared") == shared
    report = forget(archive, ids=["chatgpt:a", "chatgpt:b"])
    assert report.files == 1
    assert path_of(archive, alone) is None
    assert path_of(archive, shared) is not None
    assert forget(archive, ids=["chatgpt:c"]).files == 1
    assert path_of(archive, shared) is None


def test_a_project_or_everything_before_a_date_can_be_forgotten(archive: Archive) -> None:
    chats = [simple_chat(id, "words", updated=at) for id, at in (("a", 100), ("b", 200), ("c", 300))]
    merge(archive, None, [*chats, simple_chat("undated", "words", updated=None)])
    with archive.write() as connection:
        project = {"name": "Garden", "name_source": "person", "created_at": 1, "updated_at": 1}
        connection.execute(insert(schema.projects).values(owner="me", id="p1", **project))
        connection.execute(
            update(schema.conversations).where(schema.conversations.c.id == "chatgpt:c").values(project_id="p1")
        )
    assert forget(archive, before=200).conversation_ids == ["chatgpt:a"]
    assert forget(archive, project="Garden").conversation_ids == ["chatgpt:c"]
    assert _ids(archive) == {"chatgpt:b", "chatgpt:undated"}


def test_it_tells_which_destinations_still_show_it(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "words"), simple_chat("b", "words")])
    ledger = ArchiveLedger(archive, "notion:1")
    ledger.done("chatgpt:a", "h", "page-1")
    ledger.fail("chatgpt:b", "h", "too large")
    report = forget(archive, ids=["chatgpt:a", "chatgpt:b"])
    assert report.still_at == {"notion:1": 1}
    assert ledger.get(["chatgpt:a"])["chatgpt:a"].remote_id == "page-1"


def test_kept_exports_stay_unless_they_are_purged(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "words")])
    ours, shared = _kept_export(archive, b"ours"), _kept_export(archive, b"shared")
    with archive.write() as connection:
        row = {"source": "chatgpt", "name": "x", "status": "completed", "started_at": 1, "sha256": shared}
        connection.execute(insert(schema.imports).values(id="theirs", owner="you", **row))
    report = forget(archive, ids=["chatgpt:a"])
    assert (report.exports_kept, report.exports_purged) == (1, 0)
    assert path_of(archive, ours) is not None
    report = forget(archive, purge_exports=True)
    assert (report.exports_kept, report.exports_purged) == (0, 1)
    assert path_of(archive, ours) is None
    assert path_of(archive, shared) is not None


def test_owners_forget_only_their_own(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "mine")])
    merge(archive.of("you"), None, [simple_chat("a", "yours")])
    forget(archive, ids=["chatgpt:a"])
    with archive.read() as connection:
        assert connection.execute(select(schema.conversations.c.owner)).scalars().all() == ["you"]
    with pytest.raises(Refused, match="no conversation"):
        forget(archive.of("you"), ids=["chatgpt:nobody"])


def test_nothing_named_and_an_import_under_way_are_refused(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "words")])
    with pytest.raises(Refused, match="Nothing was named"):
        forget(archive)
    with hold(archive, "import:me"):
        assert forget(archive, ids=["chatgpt:a"], dry_run=True).conversation_ids == ["chatgpt:a"]
        with pytest.raises(AlreadyRunning):
            forget(archive, ids=["chatgpt:a"])
    assert _ids(archive) == {"chatgpt:a"}


def test_the_words_are_not_in_the_database_file_any_more(sqlite_archive: Archive) -> None:
    word = "xylophonequartz"
    merge(sqlite_archive, None, [simple_chat("a", f"{word} " * 400), simple_chat("b", "others")])
    path = Path(str(sqlite_archive.engine.url.database))
    forget(sqlite_archive, ids=["chatgpt:a"])
    for file in path.parent.glob(f"{path.name}*"):
        assert word.encode() not in file.read_bytes(), file.name

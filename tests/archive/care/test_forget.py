"""Forgetting: gone from everywhere it can be gone from, and not brought back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from commonplace.archive import schema
from commonplace.archive.care.forget import forget
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.files.files import path_of, put_file
from commonplace.archive.leases import AlreadyRunning, hold
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.projects import assignments, lookup, names, registry, vectors
from commonplace.archive.verdicts import learned
from commonplace.errors import Defect, LeftOut, Refused
from commonplace.model import Attachment, Project
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


def test_a_page_that_stays_is_known_without_what_it_says(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "words"), simple_chat("b", "words")])
    ledger = ArchiveLedger(archive, "notion:1")
    for id in ("chatgpt:a", "chatgpt:b"):
        ledger.done(id, "h", f"page-{id}", "https://notion.test/My-title-1", detail={"title": "My title"})
    ledger.conflict("chatgpt:a", "h", "My title was changed")
    forget(archive, ids=["chatgpt:a"])
    gone, kept = (ledger.get([id])[id] for id in ("chatgpt:a", "chatgpt:b"))
    assert (gone.remote_id, gone.remote_url, gone.detail, gone.reason) == ("page-chatgpt:a", None, {}, None)
    assert (kept.remote_url, kept.detail) == ("https://notion.test/My-title-1", {"title": "My title"})


def test_names_that_were_made_of_its_title_go_and_those_that_people_gave_stay(archive: Archive) -> None:
    merge(archive, None, [simple_chat(id, "words") for id in "abcd"])
    registry.register(archive, ["g-p-0123456789"])
    titled = registry.title_ref
    with archive.write() as connection:
        for project, source in (("alone", "title"), ("shared", "title"), ("mine", "person")):
            row = {"owner": "me", "id": project, "name": project, "name_source": source}
            connection.execute(insert(schema.projects).values(**row, created_at=1, updated_at=1))
        registry.add_refs(connection, "me", {titled(name): name for name in ("alone", "shared", "mine")})
    inferred = lookup.find_project(archive, "g-p-0123456789").id
    names.apply(archive, [Project(id=inferred, name="About a", description="a and a")], "inferred")
    where = {"a": inferred, "b": "alone", "c": "shared", "d": "shared"}
    assignments.assign(archive, {f"chatgpt:{id}": project for id, project in where.items()})
    forget(archive, ids=["chatgpt:a", "chatgpt:b", "chatgpt:c"])
    left = {project.id: (project.name, project.name_source, project.description) for project in registry.load(archive)}
    assert left == {
        inferred: ("Project 01234567", "id", None),
        "shared": ("shared", "title", None),
        "mine": ("mine", "person", None),
    }
    assert titled("alone") not in registry.refs(archive)


def test_what_was_learned_from_it_goes(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "words"), simple_chat("b", "words")])
    learned.remember_learned(archive, "everyday", "h", {"chatgpt:a": "Health", "chatgpt:b": "Work"})
    vectors.keep_model(archive, "rules", b"what projects look like")
    forget(archive, ids=["chatgpt:a"])
    assert learned.learned(archive, "everyday").said == {"chatgpt:b": "Work"}
    assert vectors.kept_model(archive, "rules") is None


def test_imports_do_not_name_its_attachments_any_more(archive: Archive) -> None:
    lost = Attachment(id="file-1", kind="file", name="my secret.pdf")
    merge(archive, None, [chat("a", [message("a-1", "look", attachments=[lost])])])
    import_id = imports.start(archive, name="export.zip", signature="s")
    left_out = [LeftOut("my secret.pdf", "named, but without bytes"), LeftOut("sora.json", "not read")]
    defects = [Defect("export.zip", "files/my secret.pdf", "damaged"), Defect("export.zip", "c-9", "no messages")]
    imports.finish(archive, import_id, imports.Counts(), source="chatgpt", left_out=left_out, defects=defects)
    forget(archive, ids=["chatgpt:a"])
    (record,) = imports.history(archive)
    assert (record.left_out, record.defects) == (left_out[1:], defects[1:])


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
    merge(sqlite_archive, None, [simple_chat("a", f"earlier {word} " * 400, title=word), simple_chat("b", "others")])
    merge(sqlite_archive, None, [simple_chat("a", "later", title="later", updated=200)])
    path = Path(str(sqlite_archive.engine.url.database))
    forget(sqlite_archive, ids=["chatgpt:a"])
    for file in path.parent.glob(f"{path.name}*"):
        assert word.encode() not in file.read_bytes(), file.name

"""The import of export files, as `commonplace import --direct` runs it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from commonplace.archive import leases, schema
from commonplace.archive.care.verify import verify
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.files import files
from commonplace.errors import Halt, Refused
from commonplace.sources.ahead import Ahead
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.sources.contract import Item, Known
from commonplace.sources.limits import Limits
from commonplace.stages.importing import file, intake
from commonplace.stages.importing.report import FileReport, ImportReport
from commonplace.stages.importing.stage import import_paths
from tests.archive.builders import bytes_of, contents
from tests.fakes.assistants import as_lines, code_record, code_session
from tests.fakes.exports import (
    START,
    as_json,
    chain,
    conversation,
    message,
    one_message,
    write_folder,
    write_json,
    write_zip,
)


def outcomes(archive: Archive, report: ImportReport) -> dict[str, str]:
    table = schema.import_outcomes.c
    with archive.read() as connection:
        query = select(table.conversation_id, table.outcome).where(table.import_id.in_(report.import_ids))
        return {row.conversation_id: row.outcome for row in connection.execute(query)}


def stored(archive: Archive, kind: str) -> list[str]:
    with archive.read() as connection:
        query = select(schema.files.c.name).where(schema.files.c.kind == kind).order_by(schema.files.c.name)
        return list(connection.execute(query).scalars())


def test_what_was_read_balances_with_what_became_of_it(archive: Archive, tmp_path: Path) -> None:
    first = write_json(tmp_path / "1.json", conversation(key="a"), conversation(key="b"))
    import_paths(archive, [first])
    grown = chain(message("m-1"), message("m-2", "An archive.", "assistant"), message("m-3", "Thanks"))
    items = [
        conversation(key="a"),
        conversation(grown, key="b", update_time=START + 99),
        conversation(key="c"),
        conversation({}, key="d"),
        {"neither": "nor"},
    ]
    report = import_paths(archive, [write_json(tmp_path / "2.json", *items)])
    assert (report.read, report.new, report.changed, report.unchanged, report.empty, report.failed) == (
        5,
        1,
        1,
        1,
        1,
        1,
    )
    assert report.is_balanced
    assert report.messages == 2 + 3 + 2
    assert [(defect.file, defect.item) for defect in report.defects] == [("2.json", "#4")]
    assert outcomes(archive, report) == {
        "chatgpt:a": "unchanged",
        "chatgpt:b": "changed",
        "chatgpt:c": "new",
        "chatgpt:d": "empty",
        "2.json:#4": "failed",
    }
    record, _ = imports.history(archive)
    assert (record.id, record.status, record.name) == (report.import_ids[0], "completed", "2.json")
    assert (record.counts.read, record.counts.new, record.defects) == (5, 1, report.defects)
    assert record.sha256 == files.hash_file(tmp_path / "2.json")


def test_the_sample_comes_in_whole(archive: Archive, tmp_path: Path) -> None:
    write_sample(tmp_path / "sample.zip")
    report = import_paths(archive, [tmp_path / "sample.zip"])
    assert (report.read, report.failed, report.defects) == (60, 0, [])
    assert report.new + report.empty == 60
    with archive.read() as connection:
        assert connection.execute(select(func.count()).select_from(schema.messages)).scalar_one() == report.messages


def test_the_same_file_again_is_recognised_without_reading_it(archive: Archive, tmp_path: Path) -> None:
    path = write_json(tmp_path / "1.json", conversation(key="a"), conversation({}, key="b"))
    import_paths(archive, [path])
    before = contents(archive)
    again = import_paths(archive, [path])
    assert again.files[0].is_known
    assert (again.read, again.unchanged, again.empty, again.messages) == (2, 1, 1, 2)
    assert outcomes(archive, again) == {"chatgpt:a": "unchanged", "chatgpt:b": "empty"}
    assert contents(archive) == before


def test_a_copy_of_the_file_is_recognised_by_its_hash(archive: Archive, tmp_path: Path) -> None:
    path = write_json(tmp_path / "1.json", conversation(key="a"))
    import_paths(archive, [path])
    (tmp_path / "copy.json").write_bytes(path.read_bytes())
    assert import_paths(archive, [tmp_path / "copy.json"]).files[0].is_known


def test_a_file_that_had_a_defect_is_read_again(archive: Archive, tmp_path: Path) -> None:
    path = write_json(tmp_path / "1.json", conversation(key="a"), {"neither": "nor"})
    import_paths(archive, [path])
    again = import_paths(archive, [path])
    assert not again.files[0].is_known
    assert (again.read, again.unchanged, again.failed) == (2, 1, 1)


def test_known_conversations_of_another_file_are_not_decoded(archive: Archive, tmp_path: Path) -> None:
    known, fresh = conversation(key="a"), conversation(key="b")
    import_paths(archive, [write_json(tmp_path / "1.json", known)])
    report = import_paths(archive, [write_zip(tmp_path / "2.zip", {"conversations.json": [known, fresh]})])
    assert (report.read, report.new, report.unchanged, report.messages) == (2, 1, 1, 4)
    assert outcomes(archive, report) == {"chatgpt:a": "unchanged", "chatgpt:b": "new"}


def test_bytes_are_not_known_any_more_when_their_conversation_is_gone(archive: Archive, tmp_path: Path) -> None:
    """As after a restore of a backup that is older than they are."""
    import_paths(archive, [write_json(tmp_path / "1.json", conversation(key="a"))])
    with archive.write() as connection:
        connection.execute(schema.conversations.delete())
    report = import_paths(archive, [write_json(tmp_path / "2.json", conversation(key="a"), conversation(key="b"))])
    assert report.new == 2


def test_attachments_are_stored_and_exports_are_kept(archive: Archive, tmp_path: Path) -> None:
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AbCdEfGh"}
    shown = {"content_type": "multimodal_text", "parts": [pointer, "my cat"]}
    path = write_zip(
        tmp_path / "export.zip",
        {"conversations.json": [conversation(chain(message("m-1", shown)))], "file-AbCdEfGh-cat.png": b"\x89PNG bytes"},
    )
    report = import_paths(archive, [path])
    assert report.attachments == 1
    found = load_conversation(archive, "chatgpt:c-1")
    assert found is not None
    (attachment,) = found.messages[0].attachments
    assert attachment.sha256 is not None
    assert bytes_of(archive, attachment.sha256) == b"\x89PNG bytes"
    assert stored(archive, files.EXPORT) == ["export.zip"]
    kept = files.path_of(archive, str(report.files[0].sha256))
    assert kept is not None
    assert kept.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("lost", [files.EXPORT, files.ATTACHMENT])
def test_files_that_were_lost_come_back_with_the_export_that_brought_them(
    archive: Archive, tmp_path: Path, lost: str
) -> None:
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AbCdEfGh"}
    path = write_zip(
        tmp_path / "export.zip",
        {
            "conversations.json": [
                conversation(chain(message("m-1", {"content_type": "multimodal_text", "parts": [pointer, "my cat"]})))
            ],
            "file-AbCdEfGh-cat.png": b"\x89PNG bytes",
        },
    )
    import_paths(archive, [path])
    with archive.read() as connection:
        of_kind = select(schema.files.c.sha256).where(schema.files.c.kind == lost)
        (sha256,) = connection.execute(of_kind).scalars().all()
    kept = files.path_of(archive, sha256)
    assert kept is not None
    whole = kept.read_bytes()
    kept.unlink()
    assert [problem.subject for problem in verify(archive).findings] == ["files"]
    again = import_paths(archive, [path])
    assert (again.unchanged, again.files[0].is_known) == (1, False)
    assert bytes_of(archive, sha256) == whole
    assert verify(archive).is_well
    assert import_paths(archive, [path]).files[0].is_known


def test_keeping_exports_can_be_turned_off_and_on_again(archive: Archive, tmp_path: Path) -> None:
    path = write_json(tmp_path / "1.json", conversation(key="a"))
    report = import_paths(archive, [path], keep_exports=False)
    assert stored(archive, files.EXPORT) == []
    assert report.files[0].sha256 == files.hash_file(path)
    assert import_paths(archive, [path], keep_exports=True).unchanged == 1
    assert stored(archive, files.EXPORT) == ["1.json"]


def test_a_folder_is_kept_as_one_file_that_imports_like_it(archive: Archive, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "export", {"conversations-000.json": [conversation()], "user.json": {"id": "u"}})
    report = import_paths(archive, [folder])
    kept = files.path_of(archive, str(report.files[0].sha256))
    assert kept is not None
    with zipfile.ZipFile(kept) as packed:
        assert sorted(packed.namelist()) == ["conversations-000.json", "user.json"]
    other = archive.of("other")
    assert import_paths(other, [kept]).new == 1
    assert contents(other) == contents(archive)
    assert import_paths(archive, [folder]).files[0].is_known


def test_one_refused_path_leaves_the_others_alone(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no export")
    good = write_json(tmp_path / "1.json", conversation())
    report = import_paths(archive, [tmp_path / "notes.txt", tmp_path / "absent.zip", good])
    assert (report.read, report.new, report.failed) == (3, 1, 2)
    assert [defect.file for defect in report.defects] == ["notes.txt", "absent.zip"]
    assert sorted(record.status for record in imports.history(archive)) == ["completed", "failed", "failed"]


def test_a_lone_refused_path_is_an_error_and_recorded(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no export")
    with pytest.raises(Refused, match="no conversations that Commonplace recognises"):
        import_paths(archive, [tmp_path / "notes.txt"])
    (record,) = imports.history(archive)
    assert (record.status, record.counts.failed) == ("failed", 1)
    assert stored(archive, files.EXPORT) == []


@pytest.mark.parametrize("beside", [{}, {"users.json": [{"uuid": "u"}]}])
def test_an_export_without_any_conversation_is_told_and_is_no_success(
    archive: Archive, tmp_path: Path, beside: dict[str, object]
) -> None:
    empty = write_zip(tmp_path / "new.zip", {"conversations.json": [], **beside})
    with pytest.raises(Refused, match=r"'new.zip' holds no conversation. It may have been exported from an account"):
        import_paths(archive, [empty])
    (record,) = imports.history(archive)
    assert record.status == "failed"
    assert record.counts.is_balanced


def test_what_a_dead_import_left_running_is_marked_by_the_next(archive: Archive, tmp_path: Path) -> None:
    imports.start(archive, name="died.zip", signature="x")
    import_paths(archive, [write_json(tmp_path / "1.json", conversation())])
    assert {record.name: record.status for record in imports.history(archive)} == {
        "died.zip": "interrupted",
        "1.json": "completed",
    }


def test_two_imports_of_an_owner_do_not_run_at_once(archive: Archive, tmp_path: Path) -> None:
    path = write_json(tmp_path / "1.json", conversation())
    with leases.hold(archive, leases.importing(archive.owner)):
        with pytest.raises(leases.AlreadyRunning):
            import_paths(archive, [path])
        assert import_paths(archive.of("other"), [path]).new == 1


def test_an_interrupted_import_says_so(archive: Archive, tmp_path: Path) -> None:
    def interrupt(_: FileReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_paths(archive, [write_json(tmp_path / "1.json", conversation())], progress=interrupt)
    (record,) = imports.history(archive)
    assert record.status == "interrupted"
    assert record.counts.is_balanced


def test_progress_is_told_after_every_batch(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MESSAGES_PER_BATCH", 4)
    path = write_json(tmp_path / "1.json", *(conversation(key=f"c-{n}") for n in range(6)))
    seen: list[int] = []
    import_paths(archive, [path], progress=lambda report: seen.append(report.read))
    assert seen == [2, 4, 6, 6, 6]


def test_an_id_that_no_database_takes_fails_nothing(archive: Archive, tmp_path: Path) -> None:
    odd = conversation(chain(message("m\0", "What is this?")), key="odd")
    path = tmp_path / "1.json"
    path.write_bytes(as_json([conversation(key="a"), odd, conversation(key="b")]))
    report = import_paths(archive, [path])
    assert report.is_balanced
    assert report.new == 3


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Ahead]]:
    """What was decoded in a process of its own, as a first import of any size is here."""
    opened: list[tuple[Path, Ahead]] = []

    class Watched(Ahead):
        def __init__(self, path: Path, limits: Limits | None) -> None:
            super().__init__(path, limits)
            opened.append((path, self))

    monkeypatch.setattr(file, "Ahead", Watched)
    monkeypatch.setattr(file, "is_worth_it", lambda _: True)
    return opened


def test_a_large_first_import_is_decoded_elsewhere_and_ends_the_same(
    archive: Archive, tmp_path: Path, elsewhere: list[tuple[Path, Ahead]]
) -> None:
    write_sample(tmp_path / "sample.zip")
    report = import_paths(archive, [tmp_path / "sample.zip"])
    assert (report.new, report.failed, report.is_balanced) == (60, 0, True)
    assert report.attachments > 0
    assert len(stored(archive, files.ATTACHMENT)) > 0
    later = write_json(tmp_path / "later.json", conversation(key="later"))
    assert import_paths(archive, [later]).new == 1
    assert [path for path, _ in elsewhere] == [tmp_path / "sample.zip"]


def test_a_decoder_that_is_killed_ends_the_import_with_a_sentence_and_nothing_is_half_there(
    sqlite_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Ahead):
        def conversations(self, known: Known | None = None) -> Iterator[Item]:
            items = super().conversations(known)
            yield next(items)
            self.process.kill()
            yield from items

    monkeypatch.setattr(file, "is_worth_it", lambda _: True)
    monkeypatch.setattr(intake, "MESSAGES_PER_BATCH", 10)
    words = "many words " * 180_000
    path = write_json(tmp_path / "x.json", *(one_message(words) | {"conversation_id": f"c-{n}"} for n in range(12)))
    with monkeypatch.context() as patched:
        patched.setattr(file, "Ahead", Killed)
        with pytest.raises(Halt, match=r"ended before it was done. Import the file again"):
            import_paths(sqlite_archive, [path])
    there = contents(sqlite_archive)["conversations"]
    assert 0 < len(there) < 12
    report = import_paths(sqlite_archive, [path])
    assert (report.new, report.unchanged) == (12 - len(there), len(there))
    assert verify(sqlite_archive).is_well


def test_an_interrupted_import_leaves_no_process_behind(
    sqlite_archive: Archive, tmp_path: Path, elsewhere: list[tuple[Path, Ahead]]
) -> None:
    def interrupt(_: FileReport) -> None:
        raise KeyboardInterrupt

    write_sample(tmp_path / "sample.zip")
    with pytest.raises(KeyboardInterrupt):
        import_paths(sqlite_archive, [tmp_path / "sample.zip"], progress=interrupt)
    assert [there.process.poll() is None for _, there in elsewhere] == [False]


def test_a_session_that_goes_on_is_the_same_conversation_with_more_in_it(archive: Archive, tmp_path: Path) -> None:
    sessions = tmp_path / "projects"
    write_folder(sessions, {"-home-me/a.jsonl": as_lines(code_session("a")), "b.jsonl": as_lines(code_session("b"))})
    assert import_paths(archive, [sessions]).new == 2
    with (sessions / "b.jsonl").open("ab") as going_on:
        going_on.write(as_lines([code_record("b-3", "user", "Thanks", "b-2", "b")]) + b'{"type": "user", "uu')
    later = import_paths(archive, [sessions])
    assert (later.changed, later.unchanged, later.failed) == (1, 1, 0)
    told = load_conversation(archive, "claude_code:b")
    assert told is not None
    assert [message.id for message in told.messages] == ["b-1", "b-2", "b-3"]

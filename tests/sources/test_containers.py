"""Hostile archives are refused, and nothing is written outside."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from commonplace.errors import Defect, LeftOut, Refused
from commonplace.model import Conversation
from commonplace.sources.containers import open_container
from commonplace.sources.limits import Limits
from commonplace.sources.registry import open_export
from tests.fakes.exports import as_json, conversation, write_folder, write_zip

GOOD = {"conversations.json": [conversation()]}


def refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(Refused) as caught:
        read_everything(path, limits)
    return str(caught.value)


def read_everything(path: Path, limits: Limits | None) -> None:
    with open_export(path, limits=limits) as export:
        for name in export.members:
            with export.open_member(name) as stream:
                while stream.read(65_536):
                    pass


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.json", "points outside"),
        ("a/../../evil.json", "points outside"),
        ("..\\evil.json", "points outside"),
        ("/etc/evil.json", "absolute"),
        ("C:\\evil.json", "absolute"),
        ("\\\\server\\evil.json", "absolute"),
        ("a\0b.json", "NUL"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    placeholder = "N" * len(name)
    path = write_zip(inside / "x.zip", {**GOOD, placeholder: b"[]"})
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), name.encode()))
    assert reason in refusal(path)
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    path = write_zip(tmp_path / "x.zip", GOOD)
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "link or a device" in refusal(path)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", GOOD)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusal(path)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    files = {**GOOD, **{f"{number}.txt": b"" for number in range(20)}}
    assert "more than 10 files" in refusal(write_zip(tmp_path / "x.zip", files), Limits(entries=10))
    assert "more than 10 files" in refusal(write_folder(tmp_path / "folder", files), Limits(entries=10))


def test_a_member_may_not_unpack_beyond_the_caps(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {**GOOD, "file-12345678.dat": b"\0" * 5_000_000})
    assert "more than 1,000,000 bytes" in refusal(path, Limits(member_bytes=1_000_000))
    assert "The archive unpacks to more" in refusal(path, Limits(total_bytes=2_000_000))
    assert "only a bomb" in refusal(path, Limits(ratio_beyond=1_000_000))
    with open_export(path, limits=Limits(ratio=10_000)) as export, export.open_member("file-12345678.dat") as stream:
        assert len(stream.read()) == 5_000_000


def test_caps_are_counted_and_not_read_from_headers(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {**GOOD, "file-12345678.dat": b"\0" * 5_000_000})
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", 4_000_000)))
    assert "more than 1,000,000 bytes" in refusal(path, Limits(member_bytes=1_000_000))


def test_a_bomb_among_the_conversations_is_refused(tmp_path: Path) -> None:
    bomb = b'[{"mapping": {}, "id": "' + b"x" * 5_000_000 + b'"}]'
    path = write_zip(tmp_path / "x.zip", {"conversations.json": bomb})
    with (
        pytest.raises(Refused, match="only a bomb"),
        open_export(path, limits=Limits(ratio_beyond=1_000_000)) as export,
    ):
        list(export.conversations())


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    """Fifield's bomb: many entries of the directory share the same packed bytes."""
    path = write_zip(tmp_path / "x.zip", GOOD)
    data = path.read_bytes()
    start = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    directory = data[start:end] * 5
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 5, 5, len(directory))
    path.write_bytes(data[:start] + directory + tail)
    assert "overlap" in refusal(path)


def test_a_zip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", GOOD)
    path.write_bytes(path.read_bytes()[:-30])
    assert "not a whole zip" in refusal(path)


def test_a_hostile_nested_zip_is_refused_too(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("../evil.json", as_json([]))
    path = write_zip(tmp_path / "x.zip", {**GOOD, "Conversations__1.zip": inner.getvalue()})
    assert "points outside" in refusal(path)


def test_links_that_leave_a_folder_are_refused_and_others_are_not(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", GOOD)
    (folder / "again.json").symlink_to("conversations.json")
    with open_export(folder) as export:
        assert set(export.members) == {"conversations.json", "again.json"}
    (tmp_path / "secret.json").write_bytes(b"[]")
    (folder / "secret.json").symlink_to("../secret.json")
    assert "points outside" in refusal(folder)
    (folder / "secret.json").unlink()
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    assert "points outside" in refusal(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", GOOD)
    os.mkfifo(folder / "pipe.json")
    with open_export(folder) as export:
        assert list(export.members) == ["conversations.json"]


def test_of_two_entries_with_one_name_the_last_one_counts(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"conversations.json": [conversation(key="old")]})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("conversations.json", as_json([conversation(key="new")]))
    with open_export(path) as export:
        assert [getattr(told, "external_id", None) for told in export.conversations()] == ["new"]


def test_an_unknown_member_cannot_be_opened(tmp_path: Path) -> None:
    with open_export(write_folder(tmp_path / "folder", GOOD)) as export, pytest.raises(Refused):
        export.open_member("../../etc/passwd")


def test_a_zip_that_somebody_uploaded_is_a_file_although_the_manifest_lists_it(tmp_path: Path) -> None:
    manifest = {"export_files": [{"path": "file-1-notes.zip"}], "logical_files": {}}
    files = {"file-1-notes.zip": b"PK, and whatever", "export_manifest.json": as_json(manifest)}
    opened = open_container(write_zip(tmp_path / "x.zip", files), Limits())
    assert "file-1-notes.zip" in opened.members
    opened.close()


def test_a_link_in_a_circle_is_refused_like_one_that_leads_out(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {"conversations.json": [conversation()]})
    (folder / "circle").symlink_to(folder / "circle")
    with pytest.raises(Refused, match="'circle' in the folder is a link"):
        open_container(folder, Limits())


def test_a_file_that_goes_while_its_folder_is_read_is_a_defect_and_costs_no_other(tmp_path: Path) -> None:
    files = {f"conversations-00{number}.json": [conversation(key=f"c-{number}")] for number in (1, 2)}
    folder = write_folder(tmp_path / "x", files)
    with open_export(folder) as export:
        (folder / "conversations-001.json").unlink()
        defect, told = export.conversations()
    assert isinstance(defect, Defect)
    assert isinstance(told, Conversation)
    assert (defect.file, defect.reason, told.external_id) == (
        "conversations-001.json",
        "cannot be read (No such file or directory)",
        "c-2",
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_may_not_be_opened_is_told_and_costs_no_other(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {"conversations.json": [conversation()], "closed/a.json": {}})
    (folder / "closed").chmod(0)
    with open_export(folder) as export:
        assert LeftOut("closed/", "a folder that may not be opened") in export.left_out
        assert len(list(export.conversations())) == 1

"""Who reads a file is decided by what is in it; what nobody reads is named."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commonplace.errors import Refused
from commonplace.sources import registry
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Export, Source, Sure
from commonplace.sources.registry import open_export, readers_version, sources
from tests.fakes.exports import as_json, conversation, write_folder, write_zip

CHATS = {"conversations.json": [conversation()]}


def refusal(path: Path) -> str:
    with pytest.raises(Refused) as caught, open_export(path):
        pass
    return str(caught.value)


class Twin:
    """A source that takes the same exports for its own, so sure as it is told to be."""

    name = "twin"
    title = "Twin"
    reader_version = "twin/1"

    def __init__(self, sure: Sure) -> None:
        self.sure = sure

    def detect(self, contents: Contents) -> Sure:
        return self.sure

    def open(self, contents: Contents) -> Export:
        raise Refused("opened by the twin")


def beside(monkeypatch: pytest.MonkeyPatch, sure: Sure) -> None:
    twins: list[Source] = [*sources(), Twin(sure)]
    monkeypatch.setattr(registry, "sources", lambda: twins)


def test_the_surest_source_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = write_zip(tmp_path / "named.zip", CHATS)
    otherwise = write_zip(tmp_path / "otherwise.zip", {"talk.json": [conversation()], "x.json": {}})
    beside(monkeypatch, Sure.LIKELY)
    with open_export(named) as export:
        assert export.source == "chatgpt"
    beside(monkeypatch, Sure.CERTAIN)
    assert "opened by the twin" in refusal(otherwise)


def test_what_two_sources_are_equally_sure_of_is_refused_by_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(monkeypatch, Sure.CERTAIN)
    told = refusal(write_zip(tmp_path / "x.zip", CHATS))
    assert "'x.zip' holds exports of ChatGPT and Twin. Import each of them by itself." in told


def test_another_or_a_newer_reader_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = readers_version()
    beside(monkeypatch, Sure.NO)
    assert readers_version() != before


@pytest.mark.parametrize(
    "data",
    [
        as_json([{"header": "Search", "title": "Searched for Gemini", "time": "2026"}]),
        b'<html><body><div class="outer-cell"><p class="x--title">Search<br></p>For Gemini</div></body></html>',
    ],
)
def test_what_people_did_with_googles_other_services_is_nobodys(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "thing"
    path.write_bytes(data)
    assert "no conversations" in refusal(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "x.json").touch()
    assert "'x.json' is empty." in refusal(tmp_path / "x.json")
    (tmp_path / "folder").mkdir()
    assert "'folder' is empty." in refusal(tmp_path / "folder")


TALKS = as_json([conversation()])


def tarred(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(TALKS), "is packed with gzip"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "is packed with 7-Zip"),
        (b"Rar!\x1a\x07\1\0", "is packed with RAR"),
        (tarred("conversations.json", TALKS), "is packed with tar"),
    ],
)
@pytest.mark.parametrize("name", ["export.zip", "conversations.json", "conversations.csv"])
def test_another_archive_is_to_be_unpacked(tmp_path: Path, data: bytes, said: str, name: str) -> None:
    for path in (tmp_path / name, write_folder(tmp_path / "folder", {name: data})):
        if path.name == name:
            path.write_bytes(data)
        elif not name.endswith(".json"):
            continue
        told = refusal(path)
        assert f"{name!r} {said}" in told
        assert "Unpack it, and import the folder" in told
        assert "ChatGPT" not in told


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_in_two_bytes_each_is_called_that(tmp_path: Path, encoding: str) -> None:
    wide = TALKS.decode().encode(encoding)
    told = refusal(write_zip(tmp_path / "export.zip", {"conversations.json": wide}))
    assert "'conversations.json' is text in UTF-16" in told
    assert "ChatGPT" not in told


def test_a_web_page_in_place_of_a_download_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(b"<!DOCTYPE html><html><body>Please sign in</body></html>")
    assert "'export.zip' is a web page" in refusal(path)


@pytest.mark.parametrize("write", [write_zip, write_folder])
def test_exports_within_a_zip_or_a_folder_are_to_be_imported_by_themselves(
    tmp_path: Path, write: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    inner = write_zip(tmp_path / "inner.zip", {"conversations.json": TALKS}).read_bytes()
    told = refusal(write(tmp_path / "outer.zip", {"May/export.zip": inner, "read me.txt": b"hello"}))
    assert "'outer.zip' holds zips (May/export.zip), and no conversations beside them. Import each of those." in told
    alone = refusal(write(tmp_path / "alone.zip", {"export.zip": inner}))
    assert "'alone.zip' holds zips (export.zip), and no conversations beside them. Import each of those." in alone

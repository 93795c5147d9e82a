"""Who reads a file is decided by what is in it; what nobody reads is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.errors import Refused
from commonplace.sources import registry
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Export, Source, Sure
from commonplace.sources.registry import open_export, readers_version, sources
from tests.fakes.exports import as_json, conversation, write_zip

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
    assert "'thing' holds no conversations that Commonplace recognises. Commonplace reads" in refusal(path)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "x.json").touch()
    assert "'x.json' is empty." in refusal(tmp_path / "x.json")
    (tmp_path / "folder").mkdir()
    assert "'folder' is empty." in refusal(tmp_path / "folder")


def test_a_file_in_another_encoding_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(as_json([conversation()]).decode().encode("utf-16"))
    assert "'x.json' is text in UTF-16" in refusal(tmp_path / "x.json")

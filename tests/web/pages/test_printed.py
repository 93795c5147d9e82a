"""One file to keep: it loads nothing, runs nothing, and has its pictures inside."""

from __future__ import annotations

import base64
import io
from datetime import UTC
from html.parser import HTMLParser
from pathlib import Path

import html5lib

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.archive.files.files import ATTACHMENT, put_file
from commonplace.model import Attachment
from commonplace.stages.transcripts.writing import write_transcripts
from commonplace.web.pages.printed import html
from commonplace.web.reading import LONGEST
from tests.archive.builders import chat, message
from tests.web import hostile

PIXEL = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
INSIDE = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"


class Parsed(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def printed(archive: Archive, path: Path) -> Parsed:
    write_transcripts(archive, path, conversation_ids(archive), html(archive, UTC, "Mine"))
    return Parsed(path.read_text(encoding="utf-8"))


def test_pictures_are_inside_wherever_they_stand(archive: Archive, tmp_path: Path) -> None:
    kept = put_file(archive, io.BytesIO(PIXEL), kind=ATTACHMENT, name="cat.png")
    picture, beside = (Attachment(id=id, kind="image", name="cat", sha256=kept) for id in ("in", "beside"))
    said = message("a", f'![x](attachment:in) <img src="/files/{kept}">', attachments=[picture, beside])
    merge(archive, None, [chat("c", [said])])
    page = printed(archive, tmp_path / "a.html")
    assert [facts["src"] for tag, facts in page.tags if tag == "img"] == [INSIDE, INSIDE]
    assert f'<img src="/files/{kept}">' in page.text, "what somebody wrote stays words"


def test_a_text_too_long_to_be_read_is_there_to_its_end(archive: Archive, tmp_path: Path) -> None:
    merge(archive, None, [chat("c", [message("a", "word " * (LONGEST // 5 + 10) + "<b>the end")])])
    assert "<b>the end" in printed(archive, tmp_path / "a.html").text


def test_nothing_that_others_wrote_acts_or_loads(archive: Archive, tmp_path: Path) -> None:
    hostile.fill(archive)
    page = printed(archive, tmp_path / "a.html")
    html5lib.HTMLParser(strict=True).parse((tmp_path / "a.html").read_bytes())
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "svg", "iframe", "object", "form", "link", "base"})
    for tag, facts in page.tags:
        assert not any(name.startswith("on") or name == "srcdoc" for name in facts), tag
        assert (facts.get("src") or "data:image/").startswith("data:image/"), tag
        assert (facts.get("href") or "https://").startswith(("https://", "http://", "mailto:")), tag
    assert ("meta", "Content-Security-Policy") in [(tag, facts.get("http-equiv")) for tag, facts in page.tags]

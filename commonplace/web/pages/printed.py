"""Conversations as one HTML file to keep, print or send: no script, nothing that loads, pictures inside."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup

from commonplace.archive.conversations.reading import Filed
from commonplace.archive.core import Archive
from commonplace.archive.files.files import path_of
from commonplace.model import Attachment, Message
from commonplace.moments import to_datetime
from commonplace.session import Session
from commonplace.stages.transcripts import forms
from commonplace.stages.transcripts.speech import is_shown
from commonplace.stages.transcripts.writing import Form
from commonplace.web.pages.attachments import picture_kind
from commonplace.web.pages.rendering import templates
from commonplace.web.reading import OURS, File, cut, legible, to_html
from commonplace.web.talk import cited, files_beside, is_folded

_PICTURE = re.compile(rf'(<img (?:[^">]|"[^"]*")*?src="){OURS}(?P<sha256>[0-9a-f]{{64}})"')
_LINK = re.compile(rf'<a href="{OURS}[0-9a-f]{{64}}"')
END = b"</body>\n</html>\n"


class _Shown(NamedTuple):
    name: str
    picture: str


class _Turn(NamedTuple):
    said: Message
    body: Markup
    rest: str
    """What is too long to be read as Markdown, as it was written."""
    is_folded: bool
    files: list[_Shown]
    cited: list[Mapping[str, Any]]


def html(archive: Archive, zone: tzinfo, title: str) -> Form:
    """The form of such a file; one conversation is a section of it, and a page where it is printed."""
    printing = _Printing(archive, zone)
    return Form(printing.conversation, start=_bytes(_template().start(title)), end=END)


def form_named(session: Session, format: str) -> Form:
    """The form of a file of conversations by its name, this one or one of the stage's."""
    if format == "html":
        return html(session.archive, session.settings.zone, "Commonplace")
    return forms.form_named(format, session.settings.zone)


class _Printing:
    def __init__(self, archive: Archive, zone: tzinfo) -> None:
        self._archive = archive
        self._zone = zone

    def conversation(self, filed: Filed) -> bytes:
        turns = [self._turn(message) for message in filed.conversation.messages if is_shown(message)]
        return _bytes(_template().conversation(filed, turns, self._moment))

    def _turn(self, message: Message) -> _Turn:
        kept = {each.id: each.sha256 for each in message.attachments if each.sha256}
        files = {id: File(f"{OURS}{sha256}", is_picture=self._kind(sha256) is not None) for id, sha256 in kept.items()}
        return _Turn(
            said=message,
            body=self._inlined(to_html(message.text, files)),
            rest=message.text[len(cut(message.text)) :],
            is_folded=is_folded(message),
            files=[self._beside(each) for each in files_beside(message)],
            cited=cited(message),
        )

    def _inlined(self, body: Markup) -> Markup:
        """With its pictures in it; files that are none are named, and lie in the archive."""
        inside = _PICTURE.sub(lambda found: f'{found[1]}{self._picture(found["sha256"])}"', body)
        return Markup(_LINK.sub("<a", inside))  # noqa: S704  (it was cleaned, and pictures are base64)

    def _beside(self, each: Attachment) -> _Shown:
        return _Shown(each.name or each.kind, self._picture(each.sha256) if each.sha256 else "")

    def _picture(self, sha256: str) -> str:
        """Its bytes as an address; empty where it is none that browsers may show, or not there."""
        kind, path = self._kind(sha256), path_of(self._archive, sha256)
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}" if kind and path else ""

    def _kind(self, sha256: str) -> str | None:
        path = path_of(self._archive, sha256)
        if path is None:
            return None
        with path.open("rb") as opened:
            return picture_kind(opened.read(16))

    def _moment(self, value: int | None) -> str:
        return "" if value is None else to_datetime(value, self._zone).strftime("%Y-%m-%d %H:%M")


def _bytes(page: str) -> bytes:
    return legible(page).encode()


@cache
def _template() -> Any:
    return templates().get_template("printed.html").module

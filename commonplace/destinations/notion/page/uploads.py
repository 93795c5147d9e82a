"""Files of a conversation on their way to its page.

A body names a file by the hash of its bytes. It is uploaded when a request is about to show it, and not before: what
is there already costs nothing, and an upload that a kill leaves behind is on no page and ends by itself in an hour. A
page remembers its uploads, because Notion shows one as often as it is asked to. What Notion does not take is a line
with the file's name, as where files are not uploaded at all.
"""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from commonplace.destinations.contract import Files
from commonplace.destinations.notion.client import NotAllowed, NotionClient, Unanswered
from commonplace.destinations.notion.properties import clean
from commonplace.errors import Permanent
from commonplace.model import Attachment

Json = dict[str, Any]

MEGABYTE = 1_000_000
ATTEMPTS = 3
LONGEST_NAME = 100
_SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"%PDF": "application/pdf"}
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml", "image/heic", "image/tiff")
"""What Notion shows as an image; any other is a file to open."""
_PENDING = "sha256:"

_refused: dict[str, str] = {}
_refused_lock = threading.Lock()


def refusal(place: str) -> str | None:
    """Why no files are uploaded there in this run, if Notion said so."""
    return _refused.get(place)


def ask_again(place: str) -> None:
    """A new run: the plan may be another one by now."""
    _refused.pop(place, None)


def media(attachment: Attachment, caption: str) -> Json:
    """The block of a file that is not uploaded yet."""
    kind: str = attachment.kind
    type_ = type_of(attachment)
    if type_ == "application/pdf":
        kind = "pdf"
    elif kind == "image" and type_ and type_ not in _PICTURES:
        kind = "file"
    pending = {"id": f"{_PENDING}{attachment.sha256}"}
    text = {"type": "text", "text": {"content": caption}}
    return {"type": kind, kind: {"type": "file_upload", "file_upload": pending, "caption": [text]}}


class Uploads:
    """The files of one page."""

    def __init__(
        self, client: NotionClient, files: Files | None, attachments: Mapping[str, Attachment], place: str
    ) -> None:
        self._client = client
        self._files = files
        self._place = place
        self.files = tuple(attachments)
        self._by_hash = {attachment.sha256 or "": attachment for attachment in attachments.values()}
        self._known: dict[str, str] = {}
        self._fresh: set[str] = set()
        self._missing: set[str] = set()
        self._is_doubted = False
        self._refusal: str | None = None

    @property
    def ids(self) -> dict[str, str]:
        """The uploads of the files that the page shows, by their bytes' hash."""
        return {sha256: id for sha256, id in self._known.items() if sha256 in self._by_hash}

    @property
    def left_out(self) -> list[str]:
        """What is shown by its name only, and that Notion takes no files, told by the first page that met it."""
        told = [f"{len(self._missing)} of the files, which Notion did not take"] if self._missing else []
        return told + ([self._refusal] if self._refusal else [])

    def recall(self, ids: Mapping[str, str]) -> None:
        """These are on the page, or were."""
        if not self._is_doubted:
            self._known = {**ids, **self._known}

    def retreat(self) -> bool:
        """Notion rejected something, maybe because of a file: what was uploaded before is uploaded again, and then none
        is shown at all. False: there is nothing more to give up."""
        old = self.ids.keys() - self._fresh
        if not old and self._missing >= self._by_hash.keys():
            return False
        self._missing |= set() if old else self._by_hash.keys()
        self._known = {sha256: id for sha256, id in self._known.items() if old and sha256 not in old}
        self._is_doubted = True
        return True

    def placed(self, blocks: Sequence[Json]) -> list[Json]:
        """Blocks whose files are uploaded, for the request that shows them."""
        return [self._placed(block) for block in blocks]

    def _placed(self, block: Json) -> Json:
        type_ = block["type"]
        content = block[type_]
        pending = str(content.get("file_upload", {}).get("id", ""))
        if pending.startswith(_PENDING):
            if id := self._id_of(pending.removeprefix(_PENDING)):
                return {"type": type_, type_: content | {"file_upload": {"id": id}}}
            return {"type": "paragraph", "paragraph": {"rich_text": content["caption"]}}
        if children := content.get("children"):
            return {"type": type_, type_: content | {"children": self.placed(children)}}
        return block

    def _id_of(self, sha256: str) -> str | None:
        if sha256 in self._known or sha256 in self._missing:
            return self._known.get(sha256)
        attachment = self._by_hash[sha256]
        path = self._files.path_of(attachment) if self._files and not refusal(self._place) else None
        try:
            if path is None or path.stat().st_size > self._client.settings.upload_megabytes * MEGABYTE:
                raise Permanent("Not to be uploaded.")
            self._known[sha256] = self._upload(attachment, path)
        except NotAllowed as exc:
            self._refuse(exc)
        except Permanent:
            if not refusal(self._place):
                self._missing.add(sha256)
        self._fresh.add(sha256)
        return self._known.get(sha256)

    def _upload(self, attachment: Attachment, path: Path) -> str:
        """Made and sent; made anew where nobody said whether it was sent."""
        name, type_ = _named(attachment, path)
        for _ in range(ATTEMPTS):
            body = {"mode": "single_part", "filename": name, "content_type": type_}
            id = str(self._client.send("POST", "file_uploads", body)["id"])
            try:
                self._client.send("POST", f"file_uploads/{id}/send", file=(name, path, type_), repeatable=False)
            except Unanswered:
                continue
            return id
        raise Permanent("Notion never said that it had received the file.")

    def _refuse(self, reason: NotAllowed) -> None:
        told = (
            f"all files from here on, because Notion does not let this connection upload any ({reason.message}) They "
            "are shown by name. After a change of plan, `--force` uploads them; `upload_megabytes = 0` asks no more"
        )
        with _refused_lock:
            if self._place not in _refused:
                _refused[self._place] = self._refusal = told


def type_of(attachment: Attachment) -> str | None:
    return mimetypes.guess_type(attachment.name or "")[0] or attachment.mime_type


def _named(attachment: Attachment, path: Path) -> tuple[str, str]:
    """A name whose ending says what it is, and what that is: Notion wants both to agree."""
    name = PurePosixPath(clean(attachment.name or attachment.kind).replace("\\", "/")).name or attachment.kind
    stem, suffix = PurePosixPath(name).stem[:LONGEST_NAME], PurePosixPath(name).suffix[:LONGEST_NAME]
    if known := mimetypes.guess_type(name)[0]:
        return f"{stem}{suffix}", known
    type_ = attachment.mime_type or _look_of(path) or "application/octet-stream"
    return f"{stem}{suffix}{mimetypes.guess_extension(type_) or ''}", type_


def _look_of(path: Path) -> str | None:
    with path.open("rb") as opened:
        start = opened.read(12)
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return "image/webp"
    return next((type_ for signature, type_ in _SIGNATURES.items() if start.startswith(signature)), None)

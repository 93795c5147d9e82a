"""What rendering one message gathers: its attachments, its words, and whether all of it was of a type we know."""

from __future__ import annotations

import re
from typing import Any

from commonplace.model import Attachment, AttachmentKind
from commonplace.sources.chatgpt.assets import Assets, asset_id
from commonplace.sources.fields import count, dicts, first_text
from commonplace.sources.file_types import kind_of
from commonplace.sources.markdown import link

_SANDBOX = re.compile(r"sandbox:(/[^\s)\]\"'>]+)")


class Rendering:
    """The place where one message is rendered."""

    def __init__(self, message_id: str, conversation_id: str, metadata: dict[str, Any], assets: Assets) -> None:
        self.message_id = message_id
        self.conversation_id = conversation_id
        self.metadata = metadata
        self.assets = assets
        self.attachments: dict[str, Attachment] = {}
        self._shown: set[str] = set()
        self.is_known = True
        """Whether every piece was of a type we know; if not, the message's raw JSON is kept."""
        self.strings: list[str] = []
        """The raw texts that a reader would see, as the source has them."""

    def attach(
        self, pointer: object, *, kind: AttachmentKind | None = None, told: dict[str, Any] | None = None
    ) -> Attachment | None:
        """The attachment that a pointer means, made on first sight; `told` is what the message itself says of it."""
        key = asset_id(pointer)
        if key is None:
            return None
        told = told or {}
        asset = self.assets.describe(key)
        found = self.attachments.get(key)
        if found is None:
            found = self.attachments[key] = Attachment(id=key, name=asset.name, mime_type=asset.mime_type)
            found.size, found.member = asset.size, asset.member
            found.kind = kind or kind_of(asset.mime_type)
        found.name = found.name or first_text(told, "name", "file_name")
        found.mime_type = found.mime_type or first_text(told, "mime_type", "mimeType")
        if found.size is None:
            found.size = next(
                (size for key in ("size", "fileSize", "size_bytes") if (size := count(told.get(key)))), None
            )
        if kind is not None:
            found.kind = kind
        elif found.kind == "file":
            found.kind = kind_of(found.mime_type)
        return found

    def show(self, attachment: Attachment) -> str:
        """The Markdown of an attachment. An image without its bytes keeps its place, and its prompt as a caption."""
        self._shown.add(attachment.id)
        name = link(attachment.name or (attachment.id if attachment.kind == "file" else attachment.kind), None)
        place = f"[{name}](attachment:{attachment.id})"
        if attachment.kind != "image":
            return place
        caption = f"\n\n*{' '.join(attachment.prompt.split())}*" if attachment.prompt else ""
        return f"!{place}{caption}"

    def show_rest(self) -> list[str]:
        """What the message carries beside its parts: uploads, and files that the library assigns to it."""
        for told in dicts(self.metadata.get("attachments")):
            self.attach(told.get("id") or told.get("file_id"), told=told)
        for key in self.assets.of_message(self.message_id):
            self.attach(key)
        return [self.show(found) for found in self.attachments.values() if found.id not in self._shown]

    def with_files_linked(self, written: str) -> str:
        """`sandbox:/mnt/data/x.csv` links, pointed at the attachment they mean where that is known."""
        if "sandbox:" not in written:
            return written
        return _SANDBOX.sub(self._attachment_link, written)

    def _attachment_link(self, match: re.Match[str]) -> str:
        key = self.assets.named(match[1].rpartition("/")[2], self.message_id, self.conversation_id)
        attachment = self.attach(key) if key else None
        if attachment is None:
            return match[0]
        self._shown.add(attachment.id)
        return f"attachment:{attachment.id}"

"""What rendering one message gathers: its attachments, its words, and what it did not understand."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from commonplace.model import Attachment, AttachmentKind
from commonplace.sources import fields
from commonplace.sources.chatgpt.assets import Assets, asset_id
from commonplace.sources.file_types import kind_of
from commonplace.sources.markdown import link

_SANDBOX_LINK = re.compile(
    r"!?\[(?P<label>[^\]\n]*)\]\(sandbox:(?P<path>/(?:[^()\n]|\([^()\n]*\))+)\)|sandbox:(?P<bare>/[^\s)\]\"'>]*[\w-])"
)


class Rendering:
    """The place where one message is rendered."""

    def __init__(self, message_id: str, conversation_id: str, metadata: dict[str, Any], assets: Assets) -> None:
        self.message_id = message_id
        self.conversation_id = conversation_id
        self.metadata = metadata
        self.assets = assets
        self.attachments: dict[str, Attachment] = {}
        self._shown: set[str] = set()
        self.strings: list[str] = []
        """The raw texts that a reader would see, as the source has them."""
        self.used: set[str] = set()
        """All that was taken up, into the text or beside it."""
        self.unfamiliar: list[str] = []
        """Where words stood that were not; with any, the message's raw JSON is kept."""

    def first_text(self, holder: dict[str, Any], *keys: str) -> str | None:
        """The first of these that is text and not blank, taken up."""
        found = fields.first_text(holder, *keys)
        if found is not None:
            self.used.add(found)
        return found

    def texts(self, value: object) -> list[str]:
        """The non-blank strings of a list, or a lone one, taken up."""
        found = fields.strings(value)
        self.used.update(found)
        return found

    def attach(
        self, pointer: object, *, kind: AttachmentKind | None = None, told: dict[str, Any] | None = None
    ) -> Attachment | None:
        """The attachment that a pointer means, made on first sight; `told` is what the message itself says of it."""
        key = asset_id(pointer)
        if key is None:
            return None
        if isinstance(pointer, str):
            self.used.add(pointer)
        told = told or {}
        asset = self.assets.shown(key)
        found = self.attachments.get(key)
        if found is None:
            found = self.attachments[key] = Attachment(id=key, name=asset.name, mime_type=asset.mime_type)
            found.size, found.member = asset.size, asset.member
            found.kind = kind or kind_of(asset.mime_type)
        found.name = found.name or self.first_text(told, "name", "file_name")
        found.mime_type = found.mime_type or fields.first_text(told, "mime_type", "mimeType")
        if found.size is None:
            sizes = (fields.count(told.get(name)) for name in ("size", "fileSize", "size_bytes"))
            found.size = next((size for size in sizes if size), None)
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
        for told in fields.dicts(self.metadata.get("attachments")):
            self.attach(told.get("id") or told.get("file_id"), told=told)
        for key in self.assets.of_message(self.message_id):
            self.attach(key)
        return [self.show(found) for found in self.attachments.values() if found.id not in self._shown]

    def with_files_linked(self, written: str) -> str:
        """`sandbox:/mnt/data/x.csv` links lead to the attachment they mean; without one they are a file's name."""
        return _SANDBOX_LINK.sub(self._linked, written) if "sandbox:" in written else written

    def _linked(self, match: re.Match[str]) -> str:
        label = match["label"]
        name = unquote((match["path"] or match["bare"]).rpartition("/")[2])
        key = self.assets.named(name, self.message_id, self.conversation_id)
        attachment = self.attach(key) if key else None
        if attachment is not None:
            self._shown.add(attachment.id)
            return f"[{label}](attachment:{attachment.id})" if label is not None else f"attachment:{attachment.id}"
        return f"`{name}`" if not label or label == name else f"{label} (`{name}`)"

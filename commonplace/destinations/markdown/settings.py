"""What a person can set about the Markdown destination, with a word on each."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

RENDERER_VERSION = "m2"
"""Raised whenever the same conversation would be written differently; every file is then brought up to date."""


class MarkdownSettings(msgspec.Struct, frozen=True, kw_only=True):
    folder: str
    """Where the files go: a folder of its own, or one inside an Obsidian vault."""
    layout: Literal["year", "project", "category", "flat"] = "year"
    """What the folders under `conversations/` are named after. A year never changes, so files stay where they are."""
    dated_names: bool = False
    """Whether file names begin with the date: `2026-03-01 Title.md`."""
    timezone: str = "UTC"
    """The zone of the dates in names and front matter, which Obsidian wants without an offset."""
    attachments: bool = True
    """Whether images and files are copied into `attachments/`."""
    branches: bool = True
    """Whether answers that were regenerated or edited away are shown too, folded."""
    asides: bool = True
    """Whether thoughts and tool output are shown, folded."""
    remote_images: bool = False
    """Whether pictures of other servers are shown, which tells those servers what is read and when."""
    shared: bool = False
    """Whether other people on this machine may read what is written."""
    on_deleted: Literal["recreate", "skip"] = "recreate"
    """What happens when a conversation changes whose file a person deleted."""

    @property
    def written_hash(self) -> str:
        """Changes when what is written would change; not with the folder, who may read it or what deletions mean."""
        return digest(
            self.layout,
            str(self.dated_names),
            self.timezone,
            str(self.attachments),
            str(self.branches),
            str(self.asides),
            str(self.remote_images),
        )


def digest(*parts: str) -> str:
    """16 hexadecimal digits that stand for these texts, in this order."""
    state = blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.hexdigest()

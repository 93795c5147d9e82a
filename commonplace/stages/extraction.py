"""Attachments out of the archive, into a folder, under their real names."""

from __future__ import annotations

import shutil
from pathlib import Path

from commonplace.archive.core import Archive
from commonplace.archive.files.files import AttachmentFiles
from commonplace.model import Attachment, Conversation

LONGEST_NAME = 120
FORBIDDEN = set('<>:"/\\|?*') | {chr(code) for code in range(32)}


def extract(archive: Archive, conversation: Conversation, folder: Path) -> list[str]:
    """Copy a conversation's attachments into `folder`; the paths written. Bytes the export lacked are left out."""
    files = AttachmentFiles(archive)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    seen: set[str] = set()
    for message in conversation.messages:
        for attachment in message.attachments:
            source = files.path_of(attachment)
            if source is None or attachment.id in seen:
                continue
            seen.add(attachment.id)
            target = _free_name(folder, attachment)
            shutil.copyfile(source, target)
            written.append(str(target))
    return written


def _free_name(folder: Path, attachment: Attachment) -> Path:
    """The attachment's own name made safe for any system; numbered if it is taken. Never a path of its own choosing."""
    name = "".join("_" if char in FORBIDDEN else char for char in attachment.name or attachment.id)[-LONGEST_NAME:]
    wanted = folder / (name.strip(". ") or "attachment")
    candidate, number = wanted, 2
    while candidate.exists():
        candidate = wanted.with_stem(f"{wanted.stem}-{number}")
        number += 1
    return candidate

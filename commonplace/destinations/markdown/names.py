"""File names that people can read and that every file system, sync service and Obsidian accept."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

from commonplace.model import Attachment

MAX_BYTES = 120
"""Of a name without its ending. Some encrypted file systems end at 143, and a suffix may follow."""
_FORBIDDEN = re.compile(r'[\\/:*?"<>|#^\[\]\x00-\x1f\x7f-\x9f]+')
_SPACES = re.compile(r"\s+")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?= *(\.|$))", re.IGNORECASE)
"""What Windows takes for a device, whatever ending follows."""
_SAFE_IN_LINKS = "/!$&'*+,;=:@-._~"


def safe_name(title: str, *, otherwise: str = "Untitled", max_bytes: int = MAX_BYTES) -> str:
    """The title as a name: what any system forbids is a space, invisible characters are gone, length is bounded."""
    text = unicodedata.normalize("NFC", title.encode("utf-8", "replace").decode())
    text = _FORBIDDEN.sub(" ", text)
    text = "".join(letter for letter in text if _is_visible(letter))
    text = _SPACES.sub(" ", text).strip(" .")
    text = _shorten(text, max_bytes)
    if not text:
        return otherwise
    return _DEVICE.sub(r"\1_", text, count=1) if _DEVICE.match(text) else text


def with_suffix(name: str, suffix: str) -> str:
    """`name (suffix)`, for a name that is taken."""
    return f"{name} ({suffix})"


def short_id(conversation_id: str) -> str:
    """What tells apart two conversations of one title: the same wherever and whenever it is written."""
    return safe_name(conversation_id.partition(":")[2][:8], otherwise="other")


def attachment_name(attachment: Attachment, sha256: str) -> str:
    """A name by content, so that the same picture in ten conversations is one file."""
    name = attachment.name or attachment.kind
    path = PurePosixPath(name.replace("\\", "/"))
    suffix = path.suffix if 1 < len(path.suffix) <= 10 else ""
    stem = safe_name(path.name.removesuffix(suffix), otherwise=attachment.kind, max_bytes=80)
    if not suffix and attachment.mime_type:
        suffix = mimetypes.guess_extension(attachment.mime_type) or ""
    return f"{stem}-{sha256[:10]}{safe_name(suffix[1:], otherwise='', max_bytes=20) and '.' + safe_name(suffix[1:])}"


def key(name: str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def link_target(path: str) -> str:
    """A relative path as the target of a Markdown link."""
    return quote(path, safe=_SAFE_IN_LINKS)


def _is_visible(letter: str) -> bool:
    """Joiners are part of emoji and scripts; other format characters hide or reverse what is read."""
    return letter in "\u200c\u200d" or unicodedata.category(letter) not in {"Cf", "Cc", "Cs", "Co", "Cn"}


def _shorten(text: str, max_bytes: int) -> str:
    """Cut between characters, at a space if there is one near the end."""
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    cut = encoded[:max_bytes].decode(errors="ignore")
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    head, _, tail = cut.rpartition(" ")
    if head and len(tail) <= 20:
        cut = head
    return cut.rstrip(" .\u200d")

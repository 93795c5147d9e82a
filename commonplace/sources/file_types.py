"""What kind of file something is, from its type or its first bytes."""

from __future__ import annotations

from commonplace.model import AttachmentKind

Magic = tuple[tuple[bytes, int, str], ...]
"""First bytes, where they stand, and what has them."""
_MAGIC: Magic = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"%PDF-", 0, "application/pdf"),
    (b"OggS", 0, "audio/ogg"),
    (b"ID3", 0, "audio/mpeg"),
    (b"ftypM4A", 4, "audio/mp4"),
    (b"ftyp", 4, "video/mp4"),
    (b"PK\x03\x04", 0, "application/zip"),
)

_PACKED: Magic = (
    (b"7z\xbc\xaf\x27\x1c", 0, "7-Zip"),
    (b"Rar!\x1a\x07", 0, "RAR"),
    (b"\x1f\x8b", 0, "gzip"),
    (b"BZh", 0, "bzip2"),
    (b"\xfd7zXZ\0", 0, "xz"),
    (b"\x28\xb5\x2f\xfd", 0, "Zstandard"),
    (b"ustar", 257, "tar"),
)
UNPACK = "Unpack it, and import the folder that comes of it."


def packed_with(start: bytes) -> str | None:
    """The program whose archive it is, by its first bytes, of which some hundred are looked at."""
    return _told_by(_PACKED, start)


def kind_of(mime_type: str | None) -> AttachmentKind:
    match (mime_type or "").partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
        case _:
            return "file"


def type_by_magic(start: bytes) -> str | None:
    """What the first bytes of an unnamed file say it is."""
    return _told_by(_MAGIC, start)


def _told_by(known: Magic, start: bytes) -> str | None:
    return next((name for magic, at, name in known if start[at : at + len(magic)] == magic), None)

"""Photos that came with a conversation: each a message that carries its picture."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from commonplace.model import Attachment, Message
from commonplace.sources.fields import dicts, flag, moment, text
from commonplace.sources.omi.bodies import digest

_BEGINNINGS = {
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"\x89PNG": ("png", "image/png"),
    b"RIFF": ("webp", "image/webp"),
}


def read_photos(told: dict[str, Any]) -> tuple[list[Message], dict[str, bytes]]:
    """The messages, and the pictures by the name under which their attachments know them."""
    messages: list[Message] = []
    pictures: dict[str, bytes] = {}
    for photo in dicts(told.get("photos")):
        if flag(photo.get("discarded")):
            continue
        picture = _picture(photo.get("base64"))
        described = text(photo.get("description"))
        if picture is None and described is None:
            continue
        seen = digest("photo", described, (picture or b"").hex())
        id = text(photo.get("id")) or seen.hex()
        messages.append(
            Message(
                id=f"photo-{id}",
                role="user",
                content_type="photo",
                text=described.strip() if described else "",
                digest=seen,
                created_at=moment(photo.get("created_at")),
                attachments=[_attachment(id, picture, pictures)] if picture else [],
            )
        )
    return messages, pictures


def _attachment(id: str, picture: bytes, pictures: dict[str, bytes]) -> Attachment:
    ending, kind = next(
        (about for beginning, about in _BEGINNINGS.items() if picture.startswith(beginning)), ("bin", None)
    )
    member = f"photo-{digest(picture.hex()).hex()}"
    pictures[member] = picture
    return Attachment(
        id=id,
        kind="image" if kind else "file",
        name=f"photo.{ending}",
        mime_type=kind,
        size=len(picture),
        member=member,
    )


def _picture(value: object) -> bytes | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        return base64.b64decode(value.partition("base64,")[2] or value, validate=True) or None
    except (binascii.Error, ValueError):
        return None

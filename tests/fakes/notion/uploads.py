"""The fake Notion's file uploads: sent in one part, shown by blocks, and gone in an hour where none shows them."""

from __future__ import annotations

import hashlib
import mimetypes
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.fakes.notion.answers import Answer
from tests.fakes.notion.rules import Invalid, check_rich_text, only

Json = dict[str, Any]

MEDIA = ("image", "file", "pdf", "audio", "video")
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
LARGEST = 20 * 1024 * 1024
UNSUPPORTED = (".zip", ".py", ".exe")


@dataclass
class Upload:
    """One file upload."""

    id: str
    filename: str
    content_type: str
    expires: datetime
    sha256: str = ""
    shown: int = 0
    """How often a block was made of it."""


def create(uploads: dict[str, Upload], body: Json, now: datetime) -> Json:
    only(body, "mode", "filename", "content_type")
    name, type_ = body.get("filename", ""), body.get("content_type", "")
    if body.get("mode", "single_part") != "single_part":
        raise Invalid("mode: this fake takes single_part only.")
    if not name or len(name.encode()) > 900:
        raise Invalid("body.filename.length should be ≤ `900`.")
    if name.endswith(UNSUPPORTED) or "/" not in type_:
        raise Invalid("body.content_type: file type is not supported.")
    if (mimetypes.guess_type(name)[0] or type_) != type_:
        raise Invalid("The extension of filename does not match content_type.")
    upload = Upload(str(uuid.uuid4()), name, type_, now + timedelta(hours=1))
    uploads[upload.id] = upload
    return _json(upload)


def send(uploads: dict[str, Upload], upload_id: str, content_type: str, raw: bytes) -> Json:
    upload = uploads.get(upload_id)
    if upload is None:
        raise Answer(404, "object_not_found", f"Could not find file upload with ID: {upload_id}.")
    if upload.sha256:
        raise Invalid("The file upload was sent already.")
    part = _part(content_type, raw)
    if part is None or part.get_content_type() != upload.content_type:
        raise Invalid("The content type of the part does not match the file upload's.")
    content = part.get_payload(decode=True)
    if len(content) > LARGEST:
        raise Invalid("The file is larger than the workspace allows.")
    upload.sha256 = hashlib.sha256(content).hexdigest()
    return _json(upload)


def check(uploads: dict[str, Upload], block: Json, now: datetime) -> None:
    """Every upload that a block shows is there, sent, and was either shown before or is not too old."""
    content = block[block["type"]]
    if block["type"] in MEDIA:
        only(content, "type", "caption", content.get("type", ""))
        check_rich_text("caption", content.get("caption", []))
        if content.get("type") == "file_upload":
            upload = uploads.get(content["file_upload"]["id"])
            if upload is None or not upload.sha256:
                raise Invalid("The file upload has not a status of `uploaded`.")
            if block["type"] == "image" and upload.content_type not in PICTURES:
                raise Invalid("The file upload cannot be shown as an image.")
            if not upload.shown and upload.expires < now:
                raise Invalid("The file upload is expired.")
    for child in content.get("children", []):
        check(uploads, child, now)


def shown(uploads: dict[str, Upload], block: Json) -> str:
    """The hash of the bytes that a block shows."""
    upload = uploads.get(block[block["type"]].get("file_upload", {}).get("id", ""))
    if upload is None:
        return ""
    upload.shown += 1
    return upload.sha256


def _part(content_type: str, raw: bytes) -> Any:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw)
    parts = list(message.iter_parts()) if message.is_multipart() else []
    return next((part for part in parts if part.get_param("name", header="content-disposition") == "file"), None)


def _json(upload: Upload) -> Json:
    status = "uploaded" if upload.sha256 else "pending"
    return {"object": "file_upload", "id": upload.id, "status": status, "filename": upload.filename}

"""Files of the archive. What is in them is somebody else's: pictures are shown, and nothing in any of them acts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from commonplace.archive.files.files import path_of, shown
from commonplace.web.errors import not_found
from commonplace.web.security.people import Person, archive_of

router = APIRouter(prefix="/files")

PICTURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
LOCKED = {
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "cache-control": "private, max-age=86400, immutable",
}


@router.get("/{sha256}")
def file(request: Request, session: Person, sha256: str) -> Response:
    """A file that one of this person's conversations shows; pictures to look at, anything else to keep."""
    archive = archive_of(request, session.owner)
    name = shown(archive, sha256)
    path = path_of(archive, sha256) if name is not None else None
    if name is None or path is None:
        raise not_found("file")
    with path.open("rb") as opened:
        start = opened.read(16)
    kind = picture_kind(start)
    if kind is not None:
        return FileResponse(path, media_type=kind, headers=LOCKED)
    return FileResponse(path, media_type="application/octet-stream", filename=_plain(name), headers=LOCKED)


def picture_kind(start: bytes) -> str | None:
    """What browsers may show, told by its first bytes and not by what it is called."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for kind, begins in PICTURES.items() if start.startswith(begins)), None)


def _plain(name: str) -> str:
    """A name that is one on every system."""
    return "".join(char if char.isprintable() and char not in '<>:"/\\|?*' else "_" for char in name)[-120:] or "file"

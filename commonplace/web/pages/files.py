"""The files that pages load: our own, by addresses that change with their content."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter
from starlette.responses import Response

from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import STATIC, static

router = APIRouter()

KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@router.get("/static/{name}")
def file(name: str) -> Response:
    """One of our files, as it is today."""
    known = _by_address()
    if name not in known:
        raise not_found("file")
    content, kind = known[name]
    return Response(content, media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})


@cache
def _by_address() -> dict[str, tuple[bytes, str]]:
    found = {}
    for path in STATIC.iterdir():
        if path.suffix in KINDS:
            found[static(path.name).rpartition("/")[2]] = path.read_bytes(), KINDS[path.suffix]
    return found

"""Uploads that survive a broken connection: tus 1.0 (core, creation, expiration, termination, checksum), for browsers.

https://tus.io/protocols/resumable-upload. Every request but the first question has `Tus-Resumable`, which no other
site's page can send without being asked whether it may; so the session's cookie is enough.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from commonplace.errors import Halt, Refused
from commonplace.web.arriving import straight
from commonplace.web.arriving.straight import Write
from commonplace.web.arriving.uploads import Checksum, Damaged, NoRoom, OutOfStep, Upload, Uploads
from commonplace.web.errors import Problem, not_found
from commonplace.web.security.origins import check_same_origin
from commonplace.web.security.people import Person
from commonplace.web.server import Server, server_of

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination,checksum"
ALGORITHMS = ("sha1", "sha256", "md5")
MISMATCH = 460
"""As the protocol says."""
LONGEST_SAMPLE = 1 << 20
MOST_DIGITS = 18
CONTENT = "application/offset+octet-stream"
SPEAKS = {"tus-resumable": VERSION, "cache-control": "no-store"}


async def _speaks(request: Request) -> None:
    check_same_origin(request)
    if request.headers.get("tus-resumable") != VERSION:
        told = {**SPEAKS, "tus-version": VERSION}
        raise Problem(412, "another_version", f"This server speaks tus {VERSION}.", headers=told)


router = APIRouter(prefix="/uploads")
Speaking = Depends(_speaks)


@router.options("")
@router.options("/{id}")
def options(request: Request) -> Response:
    """What is spoken here."""
    most = str(server_of(request).uploads.most_bytes)
    told = {**SPEAKS, "tus-version": VERSION, "tus-extension": EXTENSIONS, "tus-max-size": most}
    told["tus-checksum-algorithm"] = ",".join(ALGORITHMS)
    return Response(status_code=204, headers=told)


@router.post("", dependencies=[Speaking])
def create(request: Request, session: Person) -> Response:
    """Room for a file."""
    size = request.headers.get("upload-length", "")
    if not size.isascii() or not size.isdigit() or len(size) > MOST_DIGITS:
        raise Problem(400, "no_length", "How long the file is has to be said first: Upload-Length.", headers=SPEAKS)
    try:
        upload = server_of(request).uploads.create(session.owner, _name(request), int(size))
    except NoRoom as refused:
        raise Problem(413, "no_room", refused.message, hint=refused.hint, headers=SPEAKS) from None
    return Response(status_code=201, headers={**_about(upload), "location": f"/uploads/{upload.id}"})


@router.head("/{id}", dependencies=[Speaking])
def offset(request: Request, session: Person, id: str) -> Response:
    """How much has arrived."""
    uploads, upload = _found(request, session.owner, id)
    here = uploads.interrupt(upload)
    return Response(headers={**_about(upload), "upload-offset": str(here), "upload-length": str(upload.size)})


@router.patch("/{id}", dependencies=[Speaking])
async def append(request: Request, session: Person, id: str) -> Response:
    """More of it."""
    if request.headers.get("content-type") != CONTENT:
        raise Problem(415, "another_kind", f"What comes is {CONTENT}.", headers=SPEAKS)
    async with contextmanager_in_threadpool(_going_on(request, session.owner, id)) as (told, write):
        with suppress(ClientDisconnect):
            await straight.pour(request, write)
    return Response(status_code=204, headers=told)


@contextmanager
def _going_on(request: Request, owner: str, id: str) -> Iterator[tuple[dict[str, str], Write]]:
    """What is told of an upload once the block has ended, and what takes more of it until then."""
    uploads, upload = _found(request, owner, id)
    told = _about(upload)
    try:
        with uploads.going_on(upload, _at(request), _checksum(request)) as write:
            yield told, write
        here = uploads.arrived(upload)
        if here == upload.size:
            uploads.finish(upload)
        told["upload-offset"] = str(here)
    except FileNotFoundError:  # removed meanwhile
        raise not_found("upload") from None
    except OutOfStep as refused:
        raise Problem(409, "out_of_step", refused.message, hint=refused.hint, headers=SPEAKS) from None
    except Damaged as refused:
        raise Problem(MISMATCH, "damaged", refused.message, hint=refused.hint, headers=SPEAKS) from None
    except Refused as refused:
        uploads.remove(upload)
        raise Problem(415, "no_export", refused.message, hint=refused.hint, headers=SPEAKS) from None
    except Halt as full:
        raise Problem(507, "no_room", full.message, hint=full.hint, headers=SPEAKS) from None


@router.post("/{id}/holds", dependencies=[Speaking])
async def holds(request: Request, session: Person, id: str) -> Response:
    """Whether what has arrived has this piece at that place: a browser asks before it goes on with a file."""
    uploads, upload = await run_in_threadpool(_found, request, session.owner, id)
    piece = bytearray()
    async for some in request.stream():
        piece += some
        if len(piece) > LONGEST_SAMPLE:
            raise Problem(413, "too_long", f"Compare {LONGEST_SAMPLE:,} bytes at most.", headers=SPEAKS)
    if not await run_in_threadpool(uploads.holds, upload, _at(request), bytes(piece)):
        raise Problem(409, "another_file", "What has arrived is of another file.", headers=SPEAKS)
    return Response(status_code=204, headers=SPEAKS)


@router.delete("/{id}", dependencies=[Speaking])
def remove(request: Request, session: Person, id: str) -> Response:
    """Never mind."""
    uploads, upload = _found(request, session.owner, id)
    uploads.remove(upload)
    return Response(status_code=204, headers=SPEAKS)


@router.post("/{id}", dependencies=[Speaking])
async def instead(request: Request, session: Person, id: str) -> Response:
    """For networks that let no other method through."""
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            return await append(request, session, id)
        case "DELETE":
            return await run_in_threadpool(remove, request, session, id)
        case _:
            raise Problem(405, "not_allowed", "That cannot be done here.", headers=SPEAKS)


def _found(request: Request, owner: str, id: str) -> tuple[Uploads, Upload]:
    server: Server = server_of(request)
    upload = server.uploads.find(owner, id)
    if upload is None:
        raise not_found("upload")
    return server.uploads, upload


def _at(request: Request) -> int:
    told = request.headers.get("upload-offset", "")
    if not told.isascii() or not told.isdigit() or len(told) > MOST_DIGITS:
        raise Problem(400, "no_offset", "Where it goes on has to be said: Upload-Offset.", headers=SPEAKS)
    return int(told)


def _checksum(request: Request) -> Checksum | None:
    """`Upload-Checksum`: an algorithm, and a digest in base64."""
    algorithm, _, told = request.headers.get("upload-checksum", "").strip().partition(" ")
    if not algorithm:
        return None
    try:
        if algorithm in ALGORITHMS:
            return Checksum(algorithm, base64.b64decode(told, validate=True))
    except binascii.Error:
        pass
    raise Problem(
        400, "strange_checksum", f"Upload-Checksum is one of {', '.join(ALGORITHMS)}, and a digest.", headers=SPEAKS
    )


def _about(upload: Upload) -> dict[str, str]:
    return {**SPEAKS, "upload-expires": formatdate(upload.expires_at / 1_000_000, usegmt=True)}


def _name(request: Request) -> str:
    """`filename` of `Upload-Metadata`: names and values in base64, separated by commas."""
    for pair in request.headers.get("upload-metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "filename":
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise Problem(400, "strange_metadata", "Upload-Metadata is not in base64.", headers=SPEAKS) from None
    return ""

"""A form with files, read while it arrives: fields first, then each file piece by piece, none of it held in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from commonplace.web.errors import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_OF_A_HEADER = 8 << 10


class Piece(msgspec.Struct, frozen=True):
    """Something that arrived: the beginning of a field or file, some of its bytes, or its end."""

    what: Literal["begin", "data", "end"]
    name: str = ""
    file: str | None = None
    """The name of a file, as its sender calls it; None for a field."""
    data: bytes = b""


async def pieces(request: Request) -> AsyncIterator[Piece]:
    """What a form brings, in its order."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise _strange()
    waiting: list[Piece] = []
    parser = MultipartParser(options[b"boundary"], _callbacks(waiting))
    try:
        async for chunk in request.stream():
            parser.write(chunk)
            for piece in waiting:
                yield piece
            waiting.clear()
        parser.finalize()
    except MultipartParseError:
        raise _strange() from None
    except ClientDisconnect:
        raise Problem(400, "interrupted", "The connection broke before everything had arrived.") from None


def _callbacks(waiting: list[Piece]) -> MultipartCallbacks:
    field, value = bytearray(), bytearray()
    headers: dict[bytes, bytes] = {}

    def header_ended() -> None:
        headers[bytes(field).lower()] = bytes(value)
        field.clear()
        value.clear()

    def grow(held: bytearray, data: bytes, start: int, end: int) -> None:
        held += data[start:end]
        if len(held) > MOST_OF_A_HEADER:
            raise _strange()

    def begun() -> None:
        _, options = parse_options_header(headers.get(b"content-disposition", b""))
        headers.clear()
        file = options.get(b"filename")
        name = options.get(b"name", b"").decode(errors="replace")
        waiting.append(Piece("begin", name, None if file is None else file.decode(errors="replace")))

    return {
        "on_header_field": lambda data, start, end: grow(field, data, start, end),
        "on_header_value": lambda data, start, end: grow(value, data, start, end),
        "on_header_end": header_ended,
        "on_headers_finished": begun,
        "on_part_data": lambda data, start, end: waiting.append(Piece("data", data=data[start:end])),
        "on_part_end": lambda: waiting.append(Piece("end")),
    }


def _strange() -> Problem:
    return Problem(400, "strange_form", "That is no form of ours.")

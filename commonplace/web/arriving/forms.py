"""A form with files, read while it arrives: fields first, then each file piece by piece, none of it held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from commonplace.web.arriving.straight import Buffer, Write, ignore, pour
from commonplace.web.errors import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_OF_A_HEADER = 8 << 10


class Form(Protocol):
    """What takes the fields and files of a form, in its order, in a thread."""

    def begin(self, name: str, file: str | None) -> Write:
        """What takes the bytes of this one. `file` is its name, as its sender calls it; None for a field."""

    def end(self) -> None:
        """That one is whole."""


async def read(request: Request, form: Form) -> None:
    """Hand a form what a request brings."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise strange()
    parser = MultipartParser(options[b"boundary"], _callbacks(form))

    def write(piece: Buffer) -> None:
        parser.write(bytes(piece))

    try:
        await pour(request, write)
        parser.finalize()
    except MultipartParseError:
        raise strange() from None
    except ClientDisconnect:
        raise Problem(400, "interrupted", "The connection broke before everything had arrived.") from None


def strange() -> Problem:
    return Problem(400, "strange_form", "That is no form of ours.")


def _callbacks(form: Form) -> MultipartCallbacks:
    field, value = bytearray(), bytearray()
    headers: dict[bytes, bytes] = {}
    write: Write = ignore

    def header_ended() -> None:
        headers[bytes(field).lower()] = bytes(value)
        field.clear()
        value.clear()

    def grow(held: bytearray, data: bytes, start: int, end: int) -> None:
        held += data[start:end]
        if len(held) > MOST_OF_A_HEADER:
            raise strange()

    def begun() -> None:
        nonlocal write
        _, options = parse_options_header(headers.get(b"content-disposition", b""))
        headers.clear()
        file = options.get(b"filename")
        name = options.get(b"name", b"").decode(errors="replace")
        write = form.begin(name, None if file is None else file.decode(errors="replace"))

    return {
        "on_header_field": lambda data, start, end: grow(field, data, start, end),
        "on_header_value": lambda data, start, end: grow(value, data, start, end),
        "on_header_end": header_ended,
        "on_headers_finished": begun,
        "on_part_data": lambda data, start, end: write(memoryview(data)[start:end]),
        "on_part_end": form.end,
    }

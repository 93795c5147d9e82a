"""A bucket on this machine: enough of S3 to keep, read, list and delete objects, and to refuse on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.fakes.loopback import Loopback


class Bucket:
    """The objects by key. `status` answers every request with an error while it is set."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.status: int | None = None
        self.requests: list[tuple[str, str]] = []
        self.url = ""


@contextmanager
def running_bucket(name: str) -> Iterator[Bucket]:
    """A server with one bucket of that name, until the block ends."""
    bucket = Bucket()
    with Loopback(ThreadingHTTPServer(("127.0.0.1", 0), _handler(bucket, name))) as server:
        bucket.url = server.address
        yield bucket


def _handler(bucket: Bucket, name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self._may_go_on():
                bucket.objects[self._key] = body
                self._answer(200, etag=body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if not self._may_go_on():
                return
            if "list-type" in self._query:
                self._answer(200, self._listing())
            elif self._key in bucket.objects:
                self._answer(200, bucket.objects[self._key], etag=bucket.objects[self._key])
            else:
                self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

        def do_DELETE(self) -> None:
            if self._may_go_on():
                bucket.objects.pop(self._key, None)
                self._answer(204)

        def do_POST(self) -> None:
            """Deleting several at once, which is how clients delete one."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if self._may_go_on():
                keys = [piece.partition("</Key>")[0] for piece in body.split("<Key>")[1:]]
                for key in keys:
                    bucket.objects.pop(key, None)
                deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
                self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

        @property
        def _key(self) -> str:
            return unquote(urlsplit(self.path).path).removeprefix(f"/{name}/")

        @property
        def _query(self) -> dict[str, list[str]]:
            return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

        def _may_go_on(self) -> bool:
            bucket.requests.append((self.command, self._key))
            if bucket.status is not None:
                self._answer(bucket.status, b"<Error><Code>Refused</Code></Error>")
            return bucket.status is None

        def _listing(self) -> bytes:
            prefix = self._query.get("prefix", [""])[0]
            entries = "".join(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>x</ETag><Size>{len(data)}</Size></Contents>"
                for key, data in sorted(bucket.objects.items())
                if key.startswith(prefix)
            )
            return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()

        def _answer(self, status: int, body: bytes = b"", *, etag: bytes | None = None) -> None:
            self.send_response(status)
            if etag is not None:
                self.send_header("ETag", f'"{md5(etag, usedforsecurity=False).hexdigest()}"')
                self.send_header("Last-Modified", formatdate(usegmt=True))
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler

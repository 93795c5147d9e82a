"""Large bodies are read straight from their connection, which ends with the reply."""

from __future__ import annotations

import random
import shutil
import socket
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commonplace.sources.chatgpt.sample import write_sample
from commonplace.web.arriving import straight
from tests.web.conftest import Browser, Forms, Live

SIZE = straight.WORTH_IT + 3 * straight.PIECE + 5
THREADS = 40
"""So many has the server."""
CONTENT = b"PK\x03\x04" + random.Random(5).randbytes(SIZE - 4)


class Sender:
    """A connection that brings an upload, byte by byte as a test wants it."""

    def __init__(self, live: Live, content: bytes = CONTENT, size: int = SIZE, browser: Browser | None = None) -> None:
        self.client = (browser or live.logged_in()).client
        self.client.headers["tus-resumable"] = "1.0.0"
        self.where = self.client.post("/uploads", headers={"upload-length": str(size)}).headers["location"]
        self.path = live.server.uploads.folder / self.where.rpartition("/")[2] / self.where.rpartition("/")[2]
        place = urlsplit(live.url)
        self.line = socket.create_connection((place.hostname, place.port), timeout=300)
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.client.cookies.jar)
        head = (
            f"PATCH {self.where} HTTP/1.1\r\nhost: {place.netloc}\r\ncookie: {cookie}\r\ntus-resumable: 1.0.0\r\n"
            "upload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\n"
            f"content-length: {len(content)}\r\n\r\n"
        )
        self.line.sendall(head.encode())

    def replies(self) -> bytes:
        """All that comes until the server ends the connection."""
        with self.line, self.line.makefile("rb") as coming:
            return coming.read()


def test_a_large_body_arrives_whole_and_its_connection_ends_with_the_reply(live: Live) -> None:
    sender = Sender(live)
    sender.line.sendall(CONTENT)
    reply = sender.replies()
    assert reply.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nconnection: close\r\n" in reply.lower()
    assert sender.path.read_bytes() == CONTENT


def test_what_stands_behind_a_large_body_is_no_request(live: Live) -> None:
    sender = Sender(live)
    sender.line.sendall(CONTENT)
    with suppress(OSError):
        sender.line.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    with suppress(ConnectionResetError):  # it ended with something unread
        assert sender.replies().count(b"HTTP/1.1") == 1


def test_who_sends_much_that_is_refused_hears_why(live: Live) -> None:
    content = b"%PDF\0" * (SIZE // 5)
    sender = Sender(live, content)
    sender.line.sendall(content)
    reply = sender.replies()
    assert reply.startswith(b"HTTP/1.1 415 ")
    assert b"is no export" in reply


def test_whoever_sends_slowly_keeps_nobody_from_a_thread(live: Live) -> None:
    browser = live.logged_in()
    senders = [Sender(live, browser=browser) for _ in range(THREADS + 1)]
    for sender in senders:
        sender.line.sendall(CONTENT[:9])
    for sender in senders:
        while sender.path.stat().st_size < 9:
            time.sleep(0.01)
    assert browser.get("/account").status_code == 200
    first, *others = senders
    first.line.sendall(CONTENT[9:])
    assert first.replies().startswith(b"HTTP/1.1 204 ")
    for sender in others:
        sender.line.close()


def test_a_file_in_a_form_is_read_straight_too(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    write_sample(path)
    with zipfile.ZipFile(path, "a") as export:
        export.writestr("large.bin", CONTENT)
    browser = live.logged_in()
    (form,) = (form for form in Forms.of(browser.get("/import").text) if form["action"] == "/import/file")
    files = [("files", ("export.zip", path.read_bytes()))]
    reply = browser.client.post("/import/file", data={"csrf": form["fields"]["csrf"]}, files=files)
    assert reply.headers["connection"] == "close"
    (upload,) = live.server.uploads.list("me")
    assert upload.kind == "chatgpt"
    assert live.server.uploads.path(upload).read_bytes() == path.read_bytes()


def test_what_came_before_a_large_body_broke_off_is_kept(live: Live) -> None:
    sender = Sender(live)
    sender.line.sendall(CONTENT[: SIZE - 7])
    sender.line.close()
    while sender.path.stat().st_size < SIZE - 7:
        time.sleep(0.01)
    assert sender.path.read_bytes() == CONTENT[: SIZE - 7]


def test_who_removes_what_is_still_arriving_is_heard(live: Live) -> None:
    sender = Sender(live)
    sender.line.sendall(CONTENT[:-1])
    while sender.path.stat().st_size < SIZE - 1:
        time.sleep(0.01)
    shutil.rmtree(sender.path.parent)
    sender.line.sendall(CONTENT[-1:])
    assert sender.replies().startswith(b"HTTP/1.1 404 ")


def test_whoever_vanished_without_a_word_is_hung_up_on(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(straight, "SILENCE_SECONDS", 0.05)
    sender = Sender(live)
    sender.line.sendall(CONTENT[:-1])
    reply = sender.replies()  # which nobody may be there to read
    assert reply.startswith(b"HTTP/1.1 204 ")
    assert sender.path.read_bytes() == CONTENT[:-1]
    assert sender.client.head(sender.where).headers["upload-offset"] == str(SIZE - 1)

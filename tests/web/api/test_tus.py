"""Uploads by tus 1.0: pieces that arrive in any number of attempts, from a client that nobody here wrote."""

from __future__ import annotations

import base64
import hashlib
import random
import stat
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tusclient.client import TusClient

from commonplace.archive.access import users
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.web.arriving.uploads import KEPT_SECONDS, NoRoom, Uploads
from tests.web.conftest import HASHED, PASSWORD, Browser, Live, Start

SPEAKS = {"tus-resumable": "1.0.0"}
MORE = {**SPEAKS, "content-type": "application/offset+octet-stream"}


def _create(browser: Browser, size: int, name: str = "ZXhwb3J0LnppcA==") -> httpx.Response:
    about = {**SPEAKS, "upload-length": str(size), "upload-metadata": f"filename {name},kind eA=="}
    return browser.client.post("/uploads", headers=about)


def _append(browser: Browser, where: str, offset: int, body: Any) -> httpx.Response:
    return browser.client.patch(where, headers={**MORE, "upload-offset": str(offset)}, content=body)


def _only(folder: Path) -> Path:
    (path,) = (each for each in folder.glob("*/*") if each.name != "about.json")
    return path


def _by_another_client(live: Live, source: Path) -> None:
    """Cut at random places: each time a new client goes on from what has arrived."""
    cookie = "; ".join(f"{one.name}={one.value}" for one in live.logged_in().client.cookies.jar)
    size, generator, where, sent = source.stat().st_size, random.Random(7), None, 0
    with source.open("rb") as stream:
        while sent < size:
            client = TusClient(f"{live.url}/uploads", headers={"Cookie": cookie})
            about = {"filename": "a.zip"}
            sender = client.uploader(
                file_stream=stream, chunk_size=max(1, size // 7), metadata=about, url=where, upload_checksum=True
            )
            assert sender.offset == sent
            sender.upload(stop_at=min(size, sent + generator.randrange(1, size // 2)))
            where, sent = sender.url, sender.offset
    arrived = _only(live.server.uploads.folder)
    assert _hash(arrived) == _hash(source)


def _hash(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def test_another_client_uploads_in_pieces_and_the_hash_agrees(live: Live, tmp_path: Path) -> None:
    source = tmp_path / "export.zip"
    write_sample(source)
    _by_another_client(live, source)
    (upload,) = live.server.uploads.list("me")
    assert (upload.kind, upload.refusal) == ("chatgpt", "")


@pytest.mark.slow
def test_another_client_uploads_a_gigabyte(live: Live, tmp_path: Path) -> None:
    source = tmp_path / "large.zip"
    with source.open("wb") as out:
        out.write(b"PK\x03\x04")
        for number in range(1000):
            out.write(random.Random(number).randbytes(1 << 20))
    _by_another_client(live, source)


def test_what_arrives_is_for_its_owner_alone_and_under_a_name_of_ours(live: Live) -> None:
    browser = live.logged_in()
    where = _create(browser, 10, "Li4vLi4vZXRjL3Bhc3N3ZC56aXA=").headers["location"]  # ../../etc/passwd.zip
    assert _append(browser, where, 0, b"PK\x03\x04abc").status_code == 204
    path = _only(live.server.uploads.folder)
    assert path.name == f"{where.rpartition('/')[2]}.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert browser.client.head(where, headers=SPEAKS).headers["upload-offset"] == "7"
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    eve = live.logged_in("eve")
    for reply in (eve.client.head(where, headers=SPEAKS), eve.client.delete(where, headers=SPEAKS)):
        assert reply.status_code == 404
    assert browser.client.delete(where, headers=SPEAKS).status_code == 204
    assert not path.exists()


def test_a_piece_that_does_not_fit_changes_nothing(live: Live) -> None:
    browser = live.logged_in()
    where = _create(browser, 8).headers["location"]
    assert _append(browser, where, 0, b"[1,2").status_code == 204
    assert _append(browser, where, 2, b"xx").status_code == 409
    assert _append(browser, where, 4, b"x" * 5).status_code == 415
    assert browser.client.head(where, headers=SPEAKS).status_code == 404  # more than was announced: it is gone
    where = _create(browser, 8).headers["location"]
    assert _append(browser, where, 0, b"%PDF\0").status_code == 415
    assert browser.client.head(where, headers=SPEAKS).status_code == 404


def test_a_piece_that_was_damaged_on_its_way_is_not_kept(live: Live) -> None:
    browser = live.logged_in()
    where = _create(browser, 4).headers["location"]
    told = {**MORE, "upload-offset": "0", "upload-checksum": "sha1 " + _digest(b"[1]\n")}
    assert browser.client.patch(where, headers=told, content=b"[2]\n").status_code == 460
    assert browser.client.head(where, headers=SPEAKS).headers["upload-offset"] == "0"
    for strange in ("sha1 !", "crc32 AAAA", "sha1"):
        told["upload-checksum"] = strange
        assert browser.client.patch(where, headers=told, content=b"[1]\n").status_code in (400, 460)
    told["upload-checksum"] = "sha1 " + _digest(b"[1]\n")
    assert browser.client.patch(where, headers=told, content=b"[1]\n").status_code == 204


def _digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


def test_what_has_arrived_is_compared_with_the_file_that_is_to_go_on(live: Live) -> None:
    browser = live.logged_in()
    where = _create(browser, 8).headers["location"]
    _append(browser, where, 0, b"[1,2")

    def holds(offset: int, piece: bytes) -> int:
        told = {**SPEAKS, "upload-offset": str(offset)}
        return browser.client.post(f"{where}/holds", headers=told, content=piece).status_code

    assert [holds(0, b"[1,2"), holds(2, b",2"), holds(0, b"[2"), holds(2, b",2,"), holds(10**17, b"x")] == [
        *[204] * 2,
        *[409] * 3,
    ]
    assert holds(0, b"x" * ((1 << 20) + 1)) == 413
    assert holds(10**30, b"x") == 400


def test_the_protocol_is_spoken_as_it_is_written(live: Live) -> None:
    browser = live.logged_in()
    told = browser.client.options("/uploads")
    assert (told.status_code, told.headers["tus-version"]) == (204, "1.0.0")
    assert told.headers["tus-extension"] == "creation,expiration,termination,checksum"
    assert browser.client.post("/uploads", headers={"upload-length": "1"}).status_code == 412
    assert browser.client.post("/uploads", headers=SPEAKS).status_code == 400
    made = _create(browser, 4)
    assert made.status_code == 201
    assert "GMT" in made.headers["upload-expires"]
    where = made.headers["location"]
    assert browser.client.patch(where, headers={**SPEAKS, "upload-offset": "0"}, content=b"x").status_code == 415
    instead = {**MORE, "upload-offset": "0", "x-http-method-override": "PATCH"}
    assert browser.client.post(where, headers=instead, content=b"[1]\n").headers["upload-offset"] == "4"
    foreign = {**SPEAKS, "upload-length": "1", "origin": "https://evil.example"}
    assert browser.client.post("/uploads", headers=foreign).status_code == 403
    assert _create(live.browser(), 1).status_code == 401


def test_nobody_fills_the_disk(start: Start) -> None:
    live = start("[server]\nuploads_gb = 1\n")
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    browser = live.logged_in()
    assert _create(browser, 900 << 20).status_code == 201
    assert _create(browser, 200 << 20).status_code == 413
    uploads = Uploads(live.server.uploads.folder, most_bytes=1 << 60)
    with pytest.raises(NoRoom, match="The disk has"):
        uploads.create("me", "x", 1 << 59)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_disk_that_fills_up_is_told_and_what_has_arrived_stays(live: Live) -> None:
    browser = live.logged_in()
    where = _create(browser, 8).headers["location"]
    path = _only(live.server.uploads.folder)
    path.unlink()
    path.symlink_to("/dev/full")
    reply = _append(browser, where, 0, b"[1,2,3]\n")
    assert reply.status_code == 507
    assert "Make room" in reply.text
    assert browser.client.head(where, headers=SPEAKS).headers["upload-offset"] == "0"


def test_what_nobody_goes_on_with_is_removed_after_a_week(live: Live) -> None:
    _create(live.logged_in(), 4)
    uploads = live.server.uploads
    uploads.prune(live.archive)
    (upload,) = uploads.list("me")
    uploads.keep(msgspec.structs.replace(upload, created_at=upload.created_at - KEPT_SECONDS * 1_000_000))
    uploads.prune(live.archive)
    assert uploads.list("me") == []

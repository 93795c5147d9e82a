"""The server is killed in the middle of an upload: what has arrived stays, and the rest goes on from there."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from commonplace.archive.access import sessions
from commonplace.session import open_session
from commonplace.web.arriving.straight import PIECE, WORTH_IT

SIZE = WORTH_IT + 4 * PIECE
SPEAKS = {"tus-resumable": "1.0.0"}


@contextmanager
def _serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "commonplace", "serve", "--port", "0", "--json", "--no-link"]
    environment = {**os.environ, "COMMONPLACE_HOME": str(home)}
    process = subprocess.Popen(command, env=environment, cwd=home.parent, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.communicate()


def _client(url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=url, cookies={"commonplace-session": token}, headers=SPEAKS, timeout=300)


def _append(client: httpx.Client, where: str, at: int, body: Iterator[bytes] | bytes) -> httpx.Response:
    told = {"content-type": "application/offset+octet-stream", "upload-offset": str(at)}
    told["content-length"] = str(SIZE - at)
    return client.patch(where, headers=told, content=body)


@pytest.mark.timeout(600)
def test_an_upload_goes_on_where_a_killed_server_left_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "book"
    monkeypatch.setenv("COMMONPLACE_HOME", str(home))
    with open_session() as session:
        token = sessions.begin(session.archive, session.archive.owner, address="127.0.0.1", agent="x", days=1)
    content = b"PK\x03\x04" + random.Random(5).randbytes(SIZE - 4)
    with _serving(home) as (process, url), _client(url, token) as client:
        where = client.post("/uploads", headers={"upload-length": str(SIZE)}).headers["location"]

        def until_it_is_killed() -> Iterator[bytes]:
            for at in range(0, SIZE, 1 << 16):
                if at == SIZE // 2:
                    while not sum(path.stat().st_size for path in home.glob("uploads/*/*") if path.suffix != ".json"):
                        yield b""
                    process.kill()
                yield content[at : at + (1 << 16)]

        with pytest.raises(httpx.TransportError):
            _append(client, where, 0, until_it_is_killed())
    with _serving(home) as (_, url), _client(url, token) as client:
        here = int(client.head(where).headers["upload-offset"])
        assert 0 < here < SIZE
        assert _append(client, where, here, content[here:]).status_code == 204
    (arrived,) = (path for path in home.glob("uploads/*/*") if path.suffix != ".json")
    assert arrived.read_bytes() == content

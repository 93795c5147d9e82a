"""An upload as the page sends it, beside the same bytes that one socket copies to a file at the other end."""

from __future__ import annotations

import http.client
import socket
import tempfile
import threading
import time
from urllib.parse import urlsplit

from benchmarks.measuring.verdicts import mark
from benchmarks.web_app.process import Process, serving_alone

PIECE = 32 << 20
"""As upload.js sends them."""
AT_ONCE = 1 << 20
SHARE, MEMORY_MB = 0.8, 30
ROUNDS = 3


def measure(megabytes: int) -> None:
    """Both in turn; the best of some rounds of each."""
    size = megabytes << 20
    print()
    with serving_alone() as process:
        _upload(process, 1 << 20)  # what is loaded the first time is loaded
        before = process.memory()
        most = before
        plain, ours = [], []
        for _ in range(ROUNDS):
            plain.append(_copy(size))
            seconds, peak = _upload(process, size)
            ours.append(seconds)
            most = max(most, peak)
    share, grown = min(plain) / min(ours), (most - before) / (1 << 20)
    rates = f"{megabytes / min(ours):,.0f} of {megabytes / min(plain):,.0f} MB/s"
    print(f"  {mark(share >= SHARE)} upload of {megabytes:,} MB, {rates}: {share:.2f} (at least {SHARE})")
    print(f"  {mark(grown <= MEMORY_MB)} the server's memory grew by {grown:.0f} MB (at most {MEMORY_MB})")


def _copy(size: int) -> float:
    """Seconds for as many bytes from a socket of this machine into a file."""
    with tempfile.TemporaryFile() as file, socket.create_server(("127.0.0.1", 0)) as listener:
        sending = threading.Thread(target=_send, args=(listener.getsockname(), size))
        started = time.perf_counter()
        sending.start()
        line, _ = listener.accept()
        held = bytearray(AT_ONCE)
        with line:
            while here := line.recv_into(held):
                file.write(memoryview(held)[:here])
        file.flush()
        sending.join()
        return time.perf_counter() - started


def _send(where: tuple[str, int], size: int) -> None:
    piece = b"x" * AT_ONCE
    with socket.create_connection(where) as line:
        for _ in range(size // AT_ONCE):
            line.sendall(piece)


def _upload(process: Process, size: int) -> tuple[float, int]:
    """Seconds from the first request to the last reply, and the most memory that was seen meanwhile."""
    place = urlsplit(process.url)
    line = http.client.HTTPConnection(str(place.hostname), place.port)
    told = {"cookie": process.cookie, "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}
    piece, most = b"x" * PIECE, 0
    started = time.perf_counter()
    line.request("POST", "/uploads", headers={**told, "upload-length": str(size)})
    reply = line.getresponse()
    reply.read()
    where = str(reply.getheader("location"))
    for at in range(0, size, PIECE):
        line.request("PATCH", where, body=piece[: size - at], headers={**told, "upload-offset": str(at)})
        reply = line.getresponse()
        reply.read()
        assert reply.status == 204, reply.status
        most = max(most, process.memory())
    took = time.perf_counter() - started
    line.request("DELETE", where, headers=told)
    line.getresponse().read()
    return took, most

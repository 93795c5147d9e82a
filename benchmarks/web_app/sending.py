"""An upload as the page sends it. Its floor is the same client, which sends the same requests to a server that only
writes what they bring to a file (`benchmarks.servers.plain`)."""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from urllib.parse import urlsplit

from benchmarks.measuring.verdicts import mark
from benchmarks.servers.serving import running
from benchmarks.web_app.process import Process, serving_alone

PIECE = 64 << 20
"""As upload.js sends them."""
SHARE, MEMORY_MB = 0.8, 30
ROUNDS = 7


def measure(megabytes: int) -> None:
    """Both in turn; the median of some rounds of each."""
    size = megabytes << 20
    print()
    with serving_alone() as process, running([sys.executable, "-m", "benchmarks.servers.plain"]) as floor:
        _upload(process.url, process.cookie, 1 << 20, process)  # what is loaded the first time is loaded
        before = process.memory()
        most = before
        plain, ours = [], []
        for _ in range(ROUNDS):
            plain.append(_upload(floor.url, process.cookie, size, process)[0])
            seconds, peak = _upload(process.url, process.cookie, size, process)
            ours.append(seconds)
            most = max(most, peak)
    floor_seconds, seconds = statistics.median(plain), statistics.median(ours)
    share, grown = floor_seconds / seconds, (most - before) / (1 << 20)
    rates = f"{megabytes / seconds:,.0f} of {megabytes / floor_seconds:,.0f} MB/s"
    print(f"  {mark(share >= SHARE)} upload of {megabytes:,} MB, {rates}: {share:.2f} (at least {SHARE})")
    print(f"  {mark(grown <= MEMORY_MB)} the server's memory grew by {grown:.0f} MB (at most {MEMORY_MB})")


def _upload(url: str, cookie: str, size: int, process: Process) -> tuple[float, int]:
    """Seconds from the first request to the last reply, and the most memory of our server that was seen meanwhile."""
    place = urlsplit(url)
    line = http.client.HTTPConnection(str(place.hostname), place.port)
    told = {"cookie": cookie, "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}
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
    line.close()
    return took, most

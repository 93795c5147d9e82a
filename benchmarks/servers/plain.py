"""The floor of `benchmarks.web upload`: reads requests, writes their bodies to a file, and does nothing else.

python -m benchmarks.servers.plain           prints {"url": ...} once it answers
"""

from __future__ import annotations

import json
import re
import socket
import tempfile
from typing import BinaryIO

AT_ONCE = 1 << 20
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
REPLY = b"HTTP/1.1 %d Done\r\nlocation: /uploads/x\r\ncontent-length: 0\r\n\r\n"
STATUS = {b"POST": 201}


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
        while True:
            line, _ = listener.accept()
            with line, tempfile.TemporaryFile() as file:
                _answer(line, file)


def _answer(line: socket.socket, file: BinaryIO) -> None:
    """Each request of a connection, until it ends."""
    held = memoryview(bytearray(AT_ONCE))
    while True:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := line.recv(AT_ONCE)):
                return
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        told = LENGTH.search(head)
        left = int(told[1]) - len(body) if told else 0
        file.write(body)
        while left:
            here = line.recv_into(held[:left])
            file.write(held[:here])
            left -= here
        file.flush()
        line.sendall(REPLY % STATUS.get(head.partition(b" ")[0], 204))


if __name__ == "__main__":
    main()

"""An IMAP server of a test's own, over a real socket: one mailbox, as much of RFC 3501 as reading takes.

Whatever is asked of it is in `asked`; it changes nothing, and says NO to everything that would.
"""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
import time
from typing import Any

from tests.fakes.mail.tls import Session

PASSWORD = "app-password"
_FROM = re.compile(rb"^From:.*$", re.MULTILINE | re.IGNORECASE)


class FakeImap:
    """`port` is what settings want; `mails` the messages, by their number."""

    def __init__(
        self,
        *,
        folder: str = "INBOX",
        validity: int = 7,
        tls: ssl.SSLContext | None = None,
        is_asked_for_tls: bool = False,
    ) -> None:
        self.folder, self.validity = folder, validity
        self.mails: dict[int, bytes] = {}
        self.arrived: dict[int, str] = {}
        self.asked: list[str] = []
        self.is_out_of_order = False
        fake = self

        class Talking(Session):
            def handle(self) -> None:
                if tls and not is_asked_for_tls and not self.encrypt(tls):
                    return
                self.wfile.write(b"* OK ready\r\n")
                while line := self.rfile.readline():
                    tag, _, asked = line.decode().strip().partition(" ")
                    fake.asked.append(asked)
                    if asked == "STARTTLS" and tls:
                        self.wfile.write(f"{tag} OK go on\r\n".encode())
                        if not self.encrypt(tls):
                            return
                        continue
                    for answer in fake.answers(asked):
                        self.wfile.write(answer)
                    self.wfile.write(f"{tag} {fake.ending(asked)}\r\n".encode())
                    if asked == "LOGOUT":
                        return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Talking)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> FakeImap:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def deliver(self, mail: bytes) -> int:
        number = max(self.mails, default=0) + 1
        self.arrived[number] = _date()
        self.mails[number] = mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return number

    def ending(self, asked: str) -> str:
        command = asked.split()[0].upper()
        if command == "LOGIN" and PASSWORD not in asked:
            return "NO [AUTHENTICATIONFAILED] who are you"
        if command == "EXAMINE" and self.folder not in asked:
            return "NO no such folder"
        if command == "UID" and self.is_out_of_order:
            return "NO [UNAVAILABLE] the disk of inner.mine.org is gone"
        is_reading = command in ("CAPABILITY", "LOGIN", "EXAMINE", "LOGOUT") or re.match(r"UID (SEARCH|FETCH) ", asked)
        read_only = "[READ-ONLY] " if command == "EXAMINE" else ""
        return f"OK {read_only}done" if is_reading else "NO this changes something"

    def answers(self, asked: str) -> list[bytes]:
        words = asked.split()
        if words[0] == "LOGOUT":
            return [b"* BYE\r\n"]
        if words[0] == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1 STARTTLS\r\n"]
        if words[0] == "EXAMINE":
            return [f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n".encode()]
        if words[0] == "UID" and self.is_out_of_order:
            return []
        if words[:2] == ["UID", "SEARCH"]:
            domain = words[-1].strip('"').encode()
            found = [str(number) for number, mail in self.mails.items() if domain in (_FROM.search(mail) or [b""])[0]]
            return [f"* SEARCH {' '.join(found)}\r\n".encode()]
        if words[:2] == ["UID", "FETCH"]:
            number = int(words[2])
            mail, date = self.mails[number], self.arrived[number]
            head = f'* 1 FETCH (UID {number} INTERNALDATE "{date}" BODY[]<0> {{{len(mail)}}}\r\n'
            return [head.encode(), mail, b")\r\n"]
        return []


def _date() -> str:
    return time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime())

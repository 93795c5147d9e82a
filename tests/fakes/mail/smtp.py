"""A mail server of a test's own, over a real socket: as much of SMTP as posting takes."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from tests.fakes.mail.tls import Session

PASSWORD = "app-password"


class FakeSmtp:
    """`port` is what settings want; `mails` what arrived. `failures` are met one by one: a reply, or `hang up`."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, port: int = 0) -> None:
        """At a `port` that is given encryption begins before a word is said."""
        self._tls = None if port else tls
        self.mails: list[EmailMessage] = []
        self.failures: dict[str, str] = {}
        """By the verb that they are the answer to; `hang up` is none."""
        fake = self

        class Talking(Session):
            def handle(self) -> None:
                if port and tls and not self.encrypt(tls):
                    return
                self._say("220 ready")
                while line := self.rfile.readline():
                    verb, _, rest = line.decode().strip().partition(" ")
                    reply = fake.failures.pop(verb.upper(), None) or fake.reply(verb.upper(), rest)
                    if reply == "hang up":
                        return
                    self._say(reply)
                    if verb.upper() == "STARTTLS" and tls and not self.encrypt(tls):
                        return
                    if reply.startswith("354"):
                        fake.mails.append(self._mail())
                        if fake.failures.pop("after", None):
                            return
                        self._say("250 taken")
                    if verb.upper() == "QUIT":
                        return

            def _say(self, reply: str) -> None:
                self.wfile.write(f"{reply}\r\n".encode())

            def _mail(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b"."))
                return message_from_bytes(b"".join(lines), policy=policy.default)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", port), Talking)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def reply(self, verb: str, rest: str) -> str:
        if verb == "EHLO":
            return "\r\n".join(["250-here", *["250-STARTTLS"] * bool(self._tls), "250 AUTH PLAIN"])
        if verb == "AUTH":
            secret = base64.b64decode(rest.partition(" ")[2]).split(b"\0")[2]
            return "235 in" if secret == PASSWORD.encode() else "535 no"
        return {"STARTTLS": "220 go on", "DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 fine")

    def __enter__(self) -> FakeSmtp:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

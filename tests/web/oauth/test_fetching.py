"""What a stranger's address may lead to: a small document of a public server, and nothing else."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commonplace.outgoing import is_public_address
from commonplace.web.oauth.fetching import MOST_BYTES, Fetcher, NotFetched, split
from tests.web.conftest import Start
from tests.web.oauth.conftest import CHALLENGE, REDIRECT, furnish, logged_in

HOST = "program.example"
NOT_PUBLIC = (
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "no address",
)


def test_what_is_not_public_is_not_reached_in_any_clothes() -> None:
    assert [address for address in NOT_PUBLIC if is_public_address(address)] == []
    assert all(map(is_public_address, ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34")))


@pytest.mark.parametrize(
    "url",
    [
        "http://program.example/client.json",
        "https://program.example",
        "https://program.example/",
        "https://program.example:8443/client.json",
        "https://me:x@program.example/client.json",
        "https://program.example/client.json#x",
        "https://program.example/client.json?x=1",
        "https://program.example/a/../client.json",
        "https://program.example/a/%2e%2E/client.json",
        "https://127.0.0.1/client.json",
        "https://2130706433/client.json",
        "https://0x7f.1/client.json",
        "https://[::1]/client.json",
        "https://[::ffff:127.0.0.1]/client.json",
        "https://localhost/client.json",
        "https://program.example\\@evil.example/x",
        "https://program.example /x",
        "https://pro\u0433ram.example/x",
        "https://PROGRAM.example:99999/x",
        "file:///etc/passwd",
        "gopher://program.example/x",
        "https:///x",
        "https://program.example/" + "x" * 600,
    ],
)
def test_addresses_that_are_not_plain_are_not_fetched(url: str) -> None:
    with pytest.raises(NotFetched):
        split(url)


def test_a_name_with_one_address_that_is_not_public_is_not_fetched() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(NotFetched, match="not a public server"):
        asyncio.run(Fetcher(resolve=resolve).fetch(f"https://{HOST}/client.json"))


class Stranger(ThreadingHTTPServer):
    """A server of documents."""

    asked = sent = 0
    """How often it was, and how many bytes of what never ends."""


class Documents(BaseHTTPRequestHandler):
    """Answers as its path says."""

    server: Stranger

    def do_GET(self) -> None:
        self.server.asked += 1
        name = self.path.rpartition("/")[2]
        self.send_response(302 if name == "elsewhere" else 200)
        self.send_header("content-type", "text/html" if name == "page" else "application/json")
        if name == "elsewhere":
            self.send_header("location", f"https://{HOST}/small")
        self.end_headers()
        if name == "client.json":
            about = {"client_id": f"https://{HOST}/client.json", "client_name": "Baker", "redirect_uris": [REDIRECT]}
            self.wfile.write(json.dumps(about).encode())
            return
        self.wfile.write(f'{{"host": "{self.headers["host"]}"}}'.encode())
        if name == "huge":
            try:
                for _ in range(5 << 10):  # 5 GB, if anybody took it
                    self.wfile.write(b" " * (1 << 20))
                    self.server.sent += 1 << 20
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the name, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def listening(certified: Path, address: str, port: int = 0) -> Iterator[Stranger]:
    server = Stranger((address, port), Documents)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stranger(certified: Path) -> Iterator[Stranger]:
    with listening(certified, "127.0.0.1") as server:
        yield server


@pytest.fixture
def port(stranger: Stranger) -> int:
    return int(stranger.server_address[1])


def fetcher(certified: Path, port: int, answers: list[list[str]]) -> Fetcher:
    """One whose public servers are on this machine, and whose resolver answers in turn."""

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    def is_public(address: str) -> bool:
        return ipaddress.ip_address(address) == ipaddress.ip_address("127.0.0.1")

    return Fetcher(resolve=resolve, is_public=is_public, tls=ssl.create_default_context(cafile=certified), port=port)


def test_the_connection_goes_to_the_address_that_was_looked_at(certified: Path, port: int) -> None:
    """The name would lead elsewhere the second time: nobody asks a second time."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    body = asyncio.run(fetcher(certified, port, answers).fetch(f"https://{HOST}/small"))
    assert body == f'{{"host": "{HOST}"}}'.encode()
    assert answers == [["10.0.0.1"]]


@pytest.mark.parametrize("name", ["huge", "elsewhere", "page"])
def test_what_is_no_small_document_is_not_read(certified: Path, port: int, name: str) -> None:
    assert MOST_BYTES == 5 << 10
    with pytest.raises(NotFetched):
        asyncio.run(fetcher(certified, port, [["127.0.0.1"]]).fetch(f"https://{HOST}/{name}"))


def test_a_server_without_the_names_certificate_is_not_believed(certified: Path, port: int) -> None:
    with pytest.raises(NotFetched):
        asyncio.run(fetcher(certified, port, [["127.0.0.1"]]).fetch("https://other.example/small"))


class TestWhatTheServerIsSentTo:
    """By whoever is logged in and follows a link: the same from outside. Only what the resolver says is made up."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The names that were looked up. The first answer passes for public here, every later one does not."""
        names: list[str] = []
        real = socket.getaddrinfo

        def answer(host: str, *options: Any, **more: Any) -> Any:
            if host != HOST:
                return real(host, *options, **more)
            names.append(host)
            return real("127.0.0.1" if len(names) == 1 else "127.0.0.2", *options, **more)

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        return names

    def authorize(self, start: Start, certified: Path, port: int, name: str) -> httpx.Response:
        def is_public(address: str) -> bool:
            return address == "127.0.0.1"

        fetcher = Fetcher(is_public=is_public, tls=ssl.create_default_context(cafile=certified), port=port)
        browser = logged_in(furnish(start(fetcher=fetcher)))
        question = {
            "response_type": "code",
            "client_id": f"https://{HOST}/{name}",
            "redirect_uri": REDIRECT,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return browser.get("/oauth/authorize", **question)

    def test_a_name_that_leads_elsewhere_the_second_time_leads_there_never(
        self, start: Start, certified: Path, stranger: Stranger, port: int, asked: list[str]
    ) -> None:
        with listening(certified, "127.0.0.2", port) as inside:
            page = self.authorize(start, certified, port, "client.json")
        assert "Baker" in page.text
        assert (asked, stranger.asked, inside.asked) == ([HOST], 1, 0)

    def test_nor_is_it_asked_again_where_the_answer_will_not_do(
        self, start: Start, certified: Path, stranger: Stranger, port: int, asked: list[str]
    ) -> None:
        asked.append("by somebody before")
        with listening(certified, "127.0.0.2", port) as inside:
            page = self.authorize(start, certified, port, "client.json")
        assert page.status_code == 400
        assert "not a public server" in page.text
        assert (asked[1:], stranger.asked, inside.asked) == ([HOST], 0, 0)

    def test_of_a_document_that_never_ends_hardly_anything_is_taken(
        self, start: Start, certified: Path, stranger: Stranger, port: int, asked: list[str]
    ) -> None:
        page = self.authorize(start, certified, port, "huge")
        assert page.status_code == 400
        assert "larger than 5 KB" in page.text
        assert stranger.sent < 32 << 20  # what the connection itself holds

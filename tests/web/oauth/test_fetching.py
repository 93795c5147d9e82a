"""What a stranger's address may lead to: a small document of a public server, and nothing else."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commonplace.outgoing import is_public_address
from commonplace.web.oauth.fetching import MOST_BYTES, Fetcher, NotFetched, split

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


class Documents(BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.send_response(302 if name == "elsewhere" else 200)
        self.send_header("content-type", "text/html" if name == "page" else "application/json")
        if name == "elsewhere":
            self.send_header("location", f"https://{HOST}/small")
        self.end_headers()
        self.wfile.write(f'{{"host": "{self.headers["host"]}"}}'.encode())
        if name == "huge":
            try:
                for _ in range(5 << 10):  # 5 GB, if anybody took it
                    self.wfile.write(b" " * (1 << 20))
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


@pytest.fixture
def port(certified: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


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

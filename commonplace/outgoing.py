"""Requests to an address that a person set, for what must not reach anybody else or be sent twice unknowingly.

https to a public server: every address that the name has is looked at, and the connection goes to the one that was
looked at. What lies on this machine or in its network is reached where a setting allows it. No redirect is followed, no
proxy asked, and every way of failing says whether the request may have arrived.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from commonplace.errors import Halt, Refused, Retryable

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 64 << 10
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_PLACEHOLDERS = re.compile(r"(^|\.)(example\.(com|org|net)|example|invalid|test)$")
_VISIBLE = re.compile(r"[\x21-\x7e]+")

Reach = Literal["public", "loopback", "private"]
"""How near a server may be: out in the world only, also on this machine, also in its network."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSent(Retryable):
    """It did not leave: nothing came of it."""


class Unanswered(Retryable):
    """It left and no answer came: it may have been carried out."""


TRUST = "Set its whole name. SSL_CERT_FILE names the certificate of an authority of your own."


def untrusted(host: str) -> str:
    """Said of a server that nobody vouches for."""
    return f"{host} shows a certificate that is another server's, that has expired, or that nobody vouches for."


class Sender:
    """Sends requests, from any thread. Connections are kept per server."""

    def __init__(self, *, reach: Reach = "public", timeout_seconds: float = 30.0) -> None:
        self._reach = reach
        self._timeout = timeout_seconds
        self._clients: dict[str, httpx.Client] = {}
        self._opening = threading.Lock()

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] = {},
        check: Callable[[], None] = lambda: None,
    ) -> Reply:
        """The answer, whatever it says. `check` is asked right before the first byte, and raises what keeps it back."""
        import httpx

        parts = checked(url, reach=self._reach)
        _require_sendable(headers)
        address = self._address(parts)
        at = f"[{address}]" if ":" in address else address
        target = parts._replace(netloc=f"{at}:{_port(parts)}").geturl()

        def ask(event: str, _about: Mapping[str, Any]) -> None:
            if event.endswith("send_request_headers.started"):
                check()

        request = self._client(parts).build_request(
            method,
            target,
            content=body,
            headers={**headers, "host": parts.netloc},
            extensions={"sni_hostname": parts.hostname or "", "trace": ask},
        )
        try:
            return self._exchange(self._client(parts), request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise NotSent(f"{parts.hostname} could not be reached.") from None
        except (httpx.TransportError, TimeoutError):
            raise Unanswered(f"{parts.hostname} did not answer.") from None

    def close(self) -> None:
        with self._opening:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> Reply:
        until = time.monotonic() + self._timeout
        reply = client.send(request, stream=True)
        try:
            body = b""
            for part in reply.iter_raw():
                body += part
                if len(body) > MOST_BYTES:  # nobody whom we call has so much to say
                    break
                if time.monotonic() > until:
                    raise TimeoutError
            return Reply(status=reply.status_code, headers=dict(reply.headers), body=body[:MOST_BYTES])
        finally:
            reply.close()

    def _client(self, parts: SplitResult) -> httpx.Client:
        """One for each server: a connection that was made to one name is used for no other."""
        import httpx

        with self._opening:
            if parts.netloc not in self._clients:
                self._clients[parts.netloc] = httpx.Client(trust_env=False, timeout=self._timeout)
            return self._clients[parts.netloc]

    def _address(self, parts: SplitResult) -> str:
        host = parts.hostname or ""
        try:
            found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotSent(f"{host} is not known under that name.") from None
        addresses = [str(each[4][0]) for each in found]
        if not addresses or not all(_is_within(address, self._reach, parts.scheme) for address in addresses):
            raise Halt(f"{host} is not a public server.", hint=_how_to_allow(self._reach))
        return addresses[0]


def checked(url: str, *, reach: Reach = "public") -> SplitResult:
    """The parts of an address that may be sent to, as far as it alone tells. Refused, with what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("That is no address.") from None
    if not _VISIBLE.fullmatch(url) or not host or parts.scheme not in ("http", "https") or parts.fragment:
        raise Refused("The address is not one.", hint="It begins with https:// and names a server.")
    if parts.username is not None or parts.password is not None:
        raise Refused("The address holds a name or password.", hint="Secrets belong into .env or a block.")
    if _PLACEHOLDERS.search(host.rstrip(".")):
        raise Refused(f"{host} is a placeholder of documentation, not a server.", hint="Set the real address.")
    literal = host if _is_literal(host) else "127.0.0.1" if host == "localhost" else None
    if literal is not None and not _is_within(literal, reach, parts.scheme):
        raise Refused(f"{host} is not a public server reached by https.", hint=_how_to_allow(reach))
    if parts.scheme != "https" and reach == "public":
        raise Refused("The address must begin with https://.", hint="Anybody on the way could read what is sent.")
    return parts


def is_public_address(text: str) -> bool:
    """Whether it is out in the world, whatever clothes it wears."""
    address = _undressed(text)
    return address is not None and address.is_global and not address.is_multicast and not address.is_reserved


def _is_within(text: str, reach: Reach, scheme: str) -> bool:
    """Whether this address may be sent to: in the world only by https, nearby also without."""
    address = _undressed(text)
    if address is None:
        return False
    if is_public_address(text):
        return scheme == "https"
    if reach == "loopback":
        return address.is_loopback
    return reach == "private" and (address.is_loopback or address.is_private) and not address.is_link_local


def _undressed(text: str) -> IPv4Address | IPv6Address | None:
    """The address itself: of an IPv6 one that is mapped, 6to4, Teredo or NAT64 the IPv4 one inside."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return address
    if address.teredo is not None:
        return address.teredo[1]
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_literal(host: str) -> bool:
    return _undressed(host) is not None


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_sendable(secret: str) -> bool:
    """Whether it can be a key: visible ASCII, without a blank."""
    return bool(_VISIBLE.fullmatch(secret))


def _require_sendable(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not re.fullmatch(r"[\x20-\x7e]*", value):
            raise Halt(f"What would be sent as {name} holds characters that no key has.", hint="Set the key again.")


def _how_to_allow(reach: Reach) -> str:
    return {
        "public": "This machine and its network are reached only where a setting allows it.",
        "loopback": "Besides public servers, only this machine is allowed.",
        "private": "Nothing but this machine, its network and public servers is allowed.",
    }[reach]

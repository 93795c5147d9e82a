"""Who is calling: the peer, or whom a proxy that is trusted says it speaks for.

A proxy's word is `X-Forwarded-For`, read from its end: the first address that is not itself a trusted proxy is the
client. Whatever stands before it, the client may have written. `X-Forwarded-Proto` counts from the same peer alone.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from commonplace.web.settings import LOOPBACK_NAMES, host_name

_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via", "cf-connecting-ip", "x-forwarded-host")


class Proxies:
    """Puts the client's address in the place of a trusted proxy's."""

    def __init__(self, app: ASGIApp, trusted: tuple[IPv4Network | IPv6Network, ...]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._trusted and scope["type"] == "http" and self._is_trusted(_parse((scope.get("client") or ("",))[0])):
            headers = Headers(scope=scope)
            scope["client"] = (self._client(headers, scope["client"][0]), 0)
            if headers.get("x-forwarded-proto", "").strip().lower() == "https":
                scope["scheme"] = "https"
        await self._app(scope, receive, send)

    def _client(self, headers: Headers, peer: str) -> str:
        named = [part.strip() for value in headers.getlist("x-forwarded-for") for part in value.split(",")]
        for text in reversed(named):
            address = _parse(text)
            if address is None:
                return peer
            peer = str(address)
            if not self._is_trusted(address):
                return peer
        return peer

    def _is_trusted(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def client_of(connection: HTTPConnection) -> str:
    """The client's address as limits count it: of IPv6 the network, because one machine has billions of addresses."""
    return _counted_as(connection.client.host if connection.client else "")


@lru_cache(maxsize=1_000)
def _counted_as(text: str) -> str:
    address = _parse(text)
    if isinstance(address, IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address) if address else "unknown"


def is_local(connection: HTTPConnection) -> bool:
    """Whether a program of this machine calls us directly: no tunnel, no proxy, no name but this machine's own."""
    address = _parse(connection.client.host if connection.client else "")
    is_forwarded = any(name in connection.headers for name in _FORWARDED)
    named = host_name(connection.headers.get("host", "").lower())
    return address is not None and address.is_loopback and not is_forwarded and named in LOOPBACK_NAMES


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address, without the port that some proxies add; IPv4 in IPv6's clothes is IPv4."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

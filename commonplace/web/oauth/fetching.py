"""Fetching what a stranger's address names, without being sent where only this machine can go.

https on its usual port; every address that the name has must be public; and the connection goes to the address that was
looked at, so that a name that answers otherwise the second time leads nowhere. No redirect is followed, no proxy asked.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from commonplace.errors import Refused
from commonplace.outgoing import is_public_address

MOST_BYTES = 5 << 10
SECONDS = 5.0
AT_ONCE = 4
_VISIBLE = re.compile(r"[\x21-\x7e]{1,500}")

Resolve = Callable[[str, int], Awaitable[list[str]]]


class NotFetched(Refused):
    """Why not, in words that name no address of ours."""


class Fetcher:
    """Fetches small JSON documents from public servers. Who resolves, and whom to trust, can be told."""

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        is_public: Callable[[str], bool] | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 443,
    ) -> None:
        self._resolve = resolve or _resolve
        self._is_public = is_public or is_public_address
        self._tls = tls
        self._port = port
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, url: str) -> bytes:
        """The body. Refused for whatever is not a small JSON document at a public address."""
        import httpx

        host, path = split(url)
        try:
            async with self._at_once, asyncio.timeout(SECONDS):
                return await self._get(await self._address(host), host, path)
        except (TimeoutError, httpx.HTTPError, OSError, UnicodeError):
            raise NotFetched(f"{host} did not send the document.") from None

    async def _address(self, host: str) -> str:
        found = await self._resolve(host, self._port)
        if not found or not all(self._is_public(address) for address in found):
            raise NotFetched(f"{host} is not a public server.")
        return found[0]

    async def _get(self, address: str, host: str, path: str) -> bytes:
        import httpx

        at = f"[{address}]" if ":" in address else address
        headers = {"host": host, "accept": "application/json"}
        named = {"sni_hostname": host}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=SECONDS, verify=self._tls or True) as client,
            client.stream("GET", f"https://{at}:{self._port}{path}", headers=headers, extensions=named) as reply,
        ):
            kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
            if reply.status_code != 200 or not (kind == "application/json" or kind.endswith("+json")):
                raise NotFetched(f"{host} answered with something that is no JSON document.")
            if "content-encoding" in reply.headers:
                raise NotFetched(f"{host} compressed the document.")
            body = b""
            async for part in reply.aiter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise NotFetched(f"The document of {host} is larger than {MOST_BYTES >> 10} KB.")
            return body


def split(url: str) -> tuple[str, str]:
    """Host and path of an address that may be fetched at all."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotFetched("That is no address.") from None
    segments = parts.path.split("/")
    is_plain = (
        _VISIBLE.fullmatch(url) and not {"\\", "#", "@"} & set(url) and not {".", ".."} & set(map(unquote, segments))
    )
    is_named = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) and not host.rpartition(".")[2].isdigit()
    if not url.startswith("https://") or port not in {None, 443} or not is_plain or not is_named or parts.query:
        raise NotFetched("Only https addresses of named public servers are fetched.")
    if parts.path in {"", "/"}:
        raise NotFetched("The address needs a path.")
    return host, parts.path


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]

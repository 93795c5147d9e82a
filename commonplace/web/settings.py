"""The server's settings, complete: what the file says, over which go the environment and the command's options."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Network, IPv6Network
from typing import cast
from urllib.parse import urlsplit

import msgspec

from commonplace.bounds import AnyPort, Rate, within
from commonplace.config import Environment, Settings
from commonplace.errors import Refused

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_NETLOC = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{0,5})?", re.IGNORECASE)


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the server presents itself. `base_url` is its identity to programs, without a slash at the end."""

    host: str
    port: int
    base_url: str
    hosts: frozenset[str]
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    cors_origins: tuple[str, ...] = ()
    rate_limit: str = "300/minute"
    rate_limit_storage: str = "memory://"
    idle_hours: int = 72
    session_days: int = 30

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def public_host(self) -> str:
        return urlsplit(self.base_url).netloc


def complete(
    settings: Settings,
    environment: Environment,
    *,
    host: str | None = None,
    port: int | None = None,
    insecure: bool = False,
) -> WebSettings:
    """Refused where the server would be open to a network without encryption, unless `insecure` says that it may."""
    told = settings.server
    where = host or _address_in(environment) or told.host
    number = next(it for it in (port, _port_in(environment), told.port) if it is not None)
    public = _public_url(told.public_url)
    is_local = is_loopback(where)
    if not is_local and not public.startswith("https://") and not insecure:
        raise Refused(
            f"On {where} the server would be open to the network, and passwords would cross it unencrypted.",
            hint="Set public_url under [server] to the https address of the proxy before it, or use --insecure.",
        )
    return WebSettings(
        host=where,
        port=number,
        base_url=public or f"http://{_in_url(where)}:{number}",
        hosts=frozenset(_hosts(told.allowed_hosts, public, where, is_local)),
        proxies=tuple(map(_network, told.trusted_proxies)),
        cors_origins=_list_in(environment, "CORS_ORIGINS") or told.cors_origins,
        rate_limit=within(environment.get("RATELIMIT_DEFAULT") or told.rate_limit, Rate, name="RATELIMIT_DEFAULT"),
        rate_limit_storage=environment.get("RATELIMIT_STORAGE_URI") or told.rate_limit_storage,
        idle_hours=told.idle_hours,
        session_days=told.session_days,
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _public_url(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if text and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.path):
        raise Refused(f"[server] public_url {text!r} is not the address of a server.", hint="Use https://book.example.")
    return f"{parts.scheme}://{parts.netloc.lower()}" if text else ""


def _hosts(allowed: tuple[str, ...], public: str, host: str, is_local: bool) -> list[str]:
    """The names that a request may ask for, without their ports."""
    names = [*allowed, host_name(urlsplit(public).netloc)] if public else list(allowed)
    names += LOOPBACK_NAMES
    if not is_local and host not in {"0.0.0.0", "::"}:  # noqa: S104  (asks whether, binds nothing)
        names.append(_in_url(host))
    return [name.lower() for name in names]


def host_name(netloc: str) -> str:
    """A host without its port; an IPv6 address keeps its brackets. Empty where there is more or less to it."""
    found = _NETLOC.fullmatch(netloc)
    return found[1] if found else ""


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise Refused(
            f"[server] trusted_proxies: {text!r} is not an address or network.", hint="Use 10.0.0.1 or 10.0.0.0/8."
        ) from exc


def _address_in(environment: Environment) -> str | None:
    """HOST, where it is an address: other programs set that variable to something else (conda, some shells)."""
    value = environment.get("HOST")
    try:
        return str(ipaddress.ip_address(value)) if value and value != "localhost" else value
    except ValueError:
        return None


def _port_in(environment: Environment) -> int | None:
    """PORT, unless it is the address of another service, as containers have it."""
    value = environment.get("PORT")
    if not value or "://" in value:
        return None
    if not value.isdecimal():
        raise Refused("PORT must be a port: a whole number from 0 to 65535, where 0 is whichever is free.")
    return cast(int, within(int(value), AnyPort, name="PORT"))


def _list_in(environment: Environment, name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (environment.get(name) or "").split(",") if part.strip())

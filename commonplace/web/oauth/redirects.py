"""Addresses that a code may be sent to: those that a program registered, letter by letter."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from commonplace.archive.access.clients import Client

LONGEST = 2000
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[1-9]\d{0,4})?(/[^#]*)?")
_GPT = re.compile(r"https://(?:chatgpt\.com|chat\.openai\.com)/aip/(g-[A-Za-z0-9]{1,64})/oauth/callback")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


def is_acceptable(uri: str) -> bool:
    """Whether it may be registered: https, or a program on the person's own machine."""
    if len(uri) > LONGEST or not _VISIBLE.fullmatch(uri) or "#" in uri or "\\" in uri:
        return False
    if _LOOPBACK.fullmatch(uri):
        return True
    try:
        parts = urlsplit(uri)
        is_named = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
    return uri.startswith("https://") and is_named


def is_registered(client: Client, uri: str) -> bool:
    """Whether it is one of the client's own. A program that listens on the person's machine may choose the port."""
    if uri in client.redirect_uris:
        return True
    return client.kind != "added" and _without_port(uri) in {
        _without_port(known) for known in client.redirect_uris if is_loopback(known)
    } - {None}


def is_loopback(uri: str) -> bool:
    return _LOOPBACK.fullmatch(uri) is not None


def pair_of_gpt(uri: str) -> tuple[str, ...]:
    """Both addresses of the GPT that this is one of; nothing for any other address."""
    found = _GPT.fullmatch(uri)
    hosts = ("chatgpt.com", "chat.openai.com")
    return tuple(f"https://{host}/aip/{found[1]}/oauth/callback" for host in hosts) if found else ()


def with_parameters(uri: str, **parameters: str | None) -> str:
    """The address with what is told there, and with what it had before."""
    told = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{uri}{'&' if '?' in uri else '?'}{told}"


def origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _without_port(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    return f"{found[1]}{found[3] or ''}" if found else None

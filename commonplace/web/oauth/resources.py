"""What a token can be good for: the API and MCP, each by its own address (RFC 8707), told byte by byte alike.

Stored are their paths, so that a server that moves to another name takes its programs along.
"""

from __future__ import annotations

from collections.abc import Iterable

from commonplace.archive.access.scopes import NOTES, READING
from commonplace.web.oauth.errors import OAuthError
from commonplace.web.server import Server

API, MCP = "/api", "/mcp"
PATHS = (API, MCP)
BOTH = f"{API} {MCP}"


def resource(server: Server, path: str) -> str:
    return server.web.base_url + path


def paths_of(server: Server, asked: Iterable[str]) -> tuple[str, ...]:
    """The paths of the resources that were asked for, each once. One that is not ours is `invalid_target`."""
    known = {resource(server, path): path for path in PATHS}
    if not set(asked) <= known.keys():
        raise OAuthError("invalid_target", f"There is no such resource. There are: {', '.join(known)}.")
    return tuple(dict.fromkeys(known[url] for url in asked))


def metadata_url(server: Server, path: str) -> str:
    """Where programs read whom to ask for a token of this resource (RFC 9728)."""
    return f"{server.web.base_url}/.well-known/oauth-protected-resource{path}"


def offered_scopes(server: Server) -> tuple[str, ...]:
    """What programs may ask for: writing only where the settings allow it."""
    return (*READING, NOTES) if server.settings.server.allow_notes else READING

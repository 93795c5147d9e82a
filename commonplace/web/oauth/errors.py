"""Errors as OAuth tells them: an object with `error` and `error_description`, whatever the sender accepts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import JSONResponse, Response


class OAuthError(Exception):
    """What a program did not do as it has to. Told by 400."""

    status = 400
    headers: Mapping[str, str] = MappingProxyType({"pragma": "no-cache"})

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def reply(self) -> Response:
        told = {"error": self.code, "error_description": self.message}
        return JSONResponse(told, self.status, self.headers)


class InvalidClient(OAuthError):
    """The program did not prove who it is."""

    status = 401
    headers = MappingProxyType({"pragma": "no-cache", "www-authenticate": 'Basic realm="commonplace"'})

    def __init__(self, message: str) -> None:
        super().__init__("invalid_client", message)

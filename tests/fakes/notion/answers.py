"""What the fake Notion answers when it does not answer with what was asked for."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Answer(Exception):
    """Any answer but success."""

    def __init__(self, status: int, code: str, message: str, *, extra: Json | None = None,
                 headers: dict[str, str] | None = None, html: bool = False) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.extra, self.headers, self.html = extra, headers or {}, html


class Silence(Exception):
    """No answer at all."""

"""What shall go wrong with the fake Notion, as a test scripts it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.notion.answers import Answer, Silence

Json = dict[str, Any]

_CODES = {
    "400": ("validation_error", "body failed validation: body.properties.Tags should be an array."),
    "401": ("unauthorized", "API token is invalid."),
    "403": ("restricted_resource", "Insufficient permissions for this endpoint."),
    "404": ("object_not_found", "Could not find it."),
    "409": ("conflict_error", "Conflict occurred while saving. Please try again."),
    "500": ("internal_server_error", "Unexpected error occurred."),
    "503": ("service_unavailable", "Notion is unavailable, please try again later."),
    "504": ("gateway_timeout", "Gateway timeout."),
}


@dataclass
class Fault:
    """What shall go wrong, once."""

    kind: str
    on: str = ""
    about: bytes = b""
    skip: int = 0
    committed: bool = False
    retry_after: float | None = None
    reason: str | None = None
    call: Callable[[], object] | None = None


class Faults:
    """The faults that wait for their request."""

    def __init__(self) -> None:
        self.hang = threading.Event()
        self.hang_seconds = 20.0
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> int:
        """What has not happened yet does not; how much that was."""
        left = len(self._waiting)
        self._waiting.clear()
        return left

    def take(self, what: str, body: bytes) -> Fault | None:
        """The fault that is meant for this request, if any."""
        for fault in self._waiting:
            if what.startswith(fault.on) and fault.about in body:
                if fault.skip:
                    fault.skip -= 1
                    return None
                self._waiting.remove(fault)
                return fault
        return None

    def strike(self, fault: Fault, answer: Json | None) -> None:
        """Let it happen; `answer` is what would have been answered if the request was carried out."""
        if fault.call is not None:
            fault.call()
        match fault.kind:
            case "timeout":
                self.hang.wait(self.hang_seconds)
                raise Silence
            case "drop" | "call":
                raise Silence
            case "502":
                raise Answer(502, "", "<html><body>Bad gateway</body></html>", html=True)
            case "429" | "529":
                raise _slow_down(fault)
            case "committed_503":
                raise _committed(answer or {})
            case "block_limit":
                raise Answer(403, "restricted_resource", "Block limit.", extra={"block_limit": "block_creation"})
        code, message = _CODES[fault.kind]
        raise Answer(int(fault.kind), code, fault.reason or message)


def _slow_down(fault: Fault) -> Answer:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    extra: Json = {"rate_limit_reason": fault.reason or "public_api_request_rate_limit"}
    code = "rate_limited" if fault.kind == "429" else "service_overload"
    return Answer(int(fault.kind), code, "Slow down.", extra=extra, headers=headers)


def _committed(answer: Json) -> Answer:
    extra = {
        "committed_resource_id": answer.get("id"),
        "committed_child_ids": [child["id"] for child in answer.get("results", [])],
        "retry_guidance": "Do not repeat the write",
    }
    return Answer(503, "service_unavailable", "Notion is unavailable.", extra=extra)

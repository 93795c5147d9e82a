"""What can go over the wire as JSON: no halves of characters and no zeros, which many a server does not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload


@overload
def sendable(value: str) -> str: ...
@overload
def sendable(value: Any) -> Any: ...
def sendable(value: Any) -> Any:
    """The same text, or the same structure with such texts in it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", "")
    if isinstance(value, Mapping):
        return {sendable(key): sendable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(inner) for inner in value]
    return value

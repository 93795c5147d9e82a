"""A body into a value: whatever generation of OMI sent it, without what says where somebody was."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import Undecodable, decode, encode

SOURCE = "omi"

_PLACES = frozenset({"geolocation", "locations", "latitude", "longitude", "google_place_id"})


def decoded(body: bytes, *, keep_location: bool = True) -> Any:
    """The value, or `NotAConversation`."""
    try:
        value = decode(body)
    except Undecodable as exc:
        raise NotAConversation(f"It is {exc}.") from None
    return value if keep_location else without_places(value)


def without_places(value: Any) -> Any:
    """The same without whatever says where somebody was, however deep. Depth is bounded by the decoding."""
    if isinstance(value, dict):
        return {key: without_places(inner) for key, inner in value.items() if key not in _PLACES}
    if isinstance(value, list):
        return [without_places(item) for item in value]
    return value


def digest(*parts: Any) -> bytes:
    """What identifies a thing that has no id, or what was said."""
    return blake2b(encode(list(parts)), digest_size=16).digest()


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}

"""What a message says in places that the reader does not know: kept, findable and counted, so that a new era shows.

The rule knows no types. Whatever string of a content was not taken up into the rendering, and does not stand under a
key that never holds words, is left over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from commonplace.sources.markdown import is_web

MOST_NAMES = 1000
OTHERS = "others"

_HOLDS_NO_WORDS = frozenset(
    {
        "asset_pointer",
        "asset_pointer_link",
        "assets",
        "computer_id",
        "connector_source",
        "content_type",
        "crawl_date",
        "decoding_id",
        "direction",
        "domain",
        "edit_op",
        "format",
        "gen_id",
        "gen_size",
        "gizmo",
        "id",
        "language",
        "mime_type",
        "orientation",
        "os",
        "parent_gen_id",
        "pub_timestamp",
        "ref_id",
        "response_format_name",
        "sanitized",
        "serialization_title",
        "source_analysis_msg_id",
        "tether_id",
        "type",
        "watermarked_asset_pointer",
    }
)
_NAME = re.compile(r"[\w-]{1,60}")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[.,:;!?…]?")


def leftovers(holder: dict[str, Any], kind: str, used: set[str]) -> Iterator[tuple[str, str]]:
    """Every string below `holder` that is in none of the `used` ones, in order, each with its type and key."""
    waiting: list[tuple[str, str, Any]] = [(kind, "", holder)]
    while waiting:
        kind, key, value = waiting.pop()
        if isinstance(value, str):
            if value.strip() and value not in used and not any(value in one for one in used):
                yield f"{name_of(kind)}.{name_of(key)}", value
        elif isinstance(value, list):
            waiting += [(kind, key, item) for item in reversed(value)]
        elif isinstance(value, dict):
            own = value.get("content_type")
            kind, key = (own, "") if isinstance(own, str) and own != kind else (kind, key)
            inside = [(kind, key or name, item) for name, item in value.items() if name not in _HOLDS_NO_WORDS]
            waiting += reversed(inside)


def is_readable(told: str) -> bool:
    """Whether a person would call it words, or an address, rather than an id."""
    told = told.strip()
    return any(letter.isspace() for letter in told) or is_web(told) or _WORD.fullmatch(told) is not None


def count(unfamiliar: Counter[str], name: str) -> None:
    """Count a name; beyond the first thousand of them, as one of many: names come from files that nobody checked."""
    unfamiliar[name if name in unfamiliar or len(unfamiliar) < MOST_NAMES else OTHERS] += 1


def count_fields(unfamiliar: Counter[str], conversation: dict[str, Any], familiar: frozenset[str]) -> list[str]:
    """Count the fields of a conversation that nobody knows and that hold something; the names of these."""
    beside = ((key, value) for key, value in conversation.items() if key not in familiar)
    telling = (key for key, value in beside if isinstance(value, str | list | dict) and value)
    names = sorted(map(name_of, telling))
    for name in names:
        count(unfamiliar, f"conversation.{name}")
    return names


def name_of(name: str) -> str:
    """A key as it may be told; what looks like a person's words stays out."""
    return name if _NAME.fullmatch(name) else "?"

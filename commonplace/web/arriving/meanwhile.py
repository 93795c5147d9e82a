"""Two people at one form: who comes second is told what the first made of it, and nothing that they typed is lost.

A form carries a mark of each value that it shows. They come back with what was typed, and tell whether somebody else
has changed anything meanwhile, and which fields nobody touched.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

ONE_AT_A_TIME = threading.Lock()
"""Held from looking at what is there until it is changed: of two who send a form at the same moment, one is second."""


def mark(*values: Any) -> str:
    """What a form shows, in a few letters: it comes back with the form, and tells whether that is still so."""
    return hashlib.blake2b(msgspec.json.encode(values, order="deterministic"), digest_size=8).hexdigest()


def marks(shown: Mapping[str, str]) -> str:
    """The same for each field of a form."""
    return ".".join(_mark(value) for value in shown.values())


def typed_beside(seen: str, now: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, str] | None:
    """None as long as a form shows what is there. Else what somebody typed into it; the fields that they left as they
    were are not in it: there, what somebody else wrote is to be shown."""
    if not seen or seen == marks(now):
        return None
    shown = dict(zip(now, seen.split("."), strict=False))
    return {name: value for name, value in typed.items() if _mark(value) != shown.get(name)}


def _mark(text: str) -> str:
    return mark("\n".join(text.splitlines()))  # which browsers end as they like

"""Text as every database can hold it, wherever it comes from: a command line in another encoding, an export, a page."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """With U+FFFD for NUL, which PostgreSQL refuses, and for halves of surrogate pairs, which have no UTF-8."""
    return _UNSTORABLE.sub("\ufffd", text)


class StoredText(TypeDecorator[str]):
    """The type of every column of text: what is written there, and what is compared with it, can be held."""

    impl = Text
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        return str

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return storable(value) if isinstance(value, str) else value

"""What pages say, out of one file for each language: `words/en.toml`. A translation is another such file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

_CODE = re.compile("`([^`]*)`")
WORDS = Path(__file__).parent / "words"
LANGUAGE = "en"


def say(key: str, **values: Any) -> str:
    """The words at `page.name`, with values in their places. Of two forms, `n` tells which."""
    words = _form(key, _is_one(values))
    return words.format_map(values) if values else words


def show(key: str, **values: Any) -> Markup:
    """The same for a page: with commands as code, and values escaped."""
    if not values:
        return _ours(key, None)
    safe = {name: value if isinstance(value, int | float) else escape(value) for name, value in values.items()}
    return Markup(str.format_map(_ours(key, _is_one(values)), safe))  # noqa: S704  (it was escaped)


def with_code(text: str) -> Markup:
    """A sentence of ours for a page: what stands between backticks, such as a command, is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  (it was escaped)


@cache
def _ours(key: str, is_one: bool | None) -> Markup:
    """A sentence of the file as a page shows it, which it says many times."""
    return with_code(_form(key, is_one))


def _is_one(values: Mapping[str, Any]) -> bool | None:
    """Which of two forms is meant, if there is a number to tell it."""
    return values["n"] == 1 if "n" in values else None


@cache
def _form(key: str, is_one: bool | None) -> str:
    words: Any = _words(LANGUAGE)
    for part in key.split("."):
        words = words[part]
    if isinstance(words, Mapping):
        if is_one is None:
            raise KeyError(key)
        words = words["one" if is_one else "other"]
    return str(words)


def maybe(key: str, otherwise: str) -> str:
    """The words for something that may be new, such as the name of a stage; else that name."""
    try:
        return say(key)
    except (KeyError, TypeError):
        return otherwise


@cache
def _words(language: str) -> dict[str, Any]:
    return tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8"))

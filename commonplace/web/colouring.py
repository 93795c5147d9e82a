"""Code in colours, if that takes no time: some languages are read by looking through the rest of it at every sign."""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from io import StringIO
from typing import Any

LONGEST = 20_000
"""Characters of one piece of code that are coloured."""
MOST_SECONDS = 0.25
"""Of the processor's time, which others wait for. Code that somebody wrote takes a tenth of it."""


class _TooLong(Exception):
    """It is taking its time."""


def coloured(code: str, language: str) -> str:
    """Code as HTML, each kind of word in a class of its own; plain where nobody knows the language or it takes long.

    So is a language within another one, such as a template's in HTML: it is read whole before the first word comes.
    """
    if not language or len(code) > LONGEST:
        return escape(code)
    from pygments.formatters import HtmlFormatter
    from pygments.lexer import DelegatingLexer
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    written = StringIO()
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
        if isinstance(lexer, DelegatingLexer):
            return escape(code)
        HtmlFormatter(nowrap=True, classprefix="k-").format(_in_time(lexer.get_tokens(code)), written)
    except (ClassNotFound, _TooLong):
        return escape(code)
    return written.getvalue()


def _in_time(tokens: Any) -> Iterator[Any]:
    until = time.thread_time() + MOST_SECONDS
    for token in tokens:
        if time.thread_time() > until:
            raise _TooLong
        yield token

"""Code in colours, if that takes no time: some languages are read by looking through the rest of it at every sign.

A word that takes for ever cannot be interrupted, so only those languages are read of which none is known that does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from io import StringIO
from typing import Any

LONGEST = 20_000
"""Characters of one piece of code that are coloured."""
MOST_SECONDS = 0.5
"""Of the processor's time, which others wait for. The longest code that somebody wrote takes a tenth of it."""

READ = frozenset(
    {
        *("awk", "bash", "batch", "c", "cpp", "csharp", "css", "clojure", "cmake", "coffeescript", "dart"),
        *("diff", "docker", "elixir", "elm", "erlang", "fortran", "fsharp", "go", "graphql", "groovy"),
        *("haskell", "html", "java", "javascript", "json", "json5", "julia", "kotlin", "common-lisp", "lua"),
        *("make", "mysql", "nginx", "nimrod", "nixos", "objective-c", "perl", "php"),
        *("powershell", "prolog", "protobuf", "python", "ruby", "rust", "scala", "scheme", "scss", "splus"),
        *("sql", "swift", "tcl", "terraform", "tex", "toml", "typescript", "tsx", "jsx", "vb.net", "verilog"),
        *("vhdl", "vim", "xml", "yaml", "zig"),
    }
)
"""By the first of their names. None of them holds pieces of any other language that the piece itself names."""


class _TooLong(Exception):
    """It is taking its time."""


def coloured(code: str, language: str) -> str:
    """Code as HTML, each kind of word in a class of its own; plain where nobody knows the language or it takes long."""
    if not language or len(code) > LONGEST:
        return escape(code)
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    written = StringIO()
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
        if lexer.aliases[0] not in READ:
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

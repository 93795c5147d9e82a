"""Pieces of Markdown that renderings are put together from."""

from __future__ import annotations

import html
import re

_TICKS = re.compile("`{3,}")
_DETAILS = re.compile(r"<(?=/?details\b|/?summary\b)", re.IGNORECASE)


def fence(code: str, language: str = "") -> str:
    """A code block whose fence is longer than any in it."""
    bar = "```"
    if bar in code:
        bar = "`" * (max(len(run) for run in _TICKS.findall(code)) + 1)
    tag = language if re.fullmatch(r"[\w+#.-]{1,30}", language) else ""
    return f"{bar}{tag}\n{code.rstrip()}\n{bar}"


def quote(written: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in written.strip().splitlines())


def aside(summary: str, body: str = "") -> str:
    """Something to fold away."""
    title = html.escape(" ".join(summary.split()), quote=False)
    if not body.strip():
        return f"<details><summary>{title}</summary></details>"
    if "<" in body:
        body = _DETAILS.sub("&lt;", body)
    return f"<details><summary>{title}</summary>\n\n{body.strip()}\n\n</details>"


def paragraphs(*pieces: str | None) -> str:
    return "\n\n".join(piece.strip("\n") for piece in pieces if piece and piece.strip())


def link(title: str, url: str | None) -> str:
    """A Markdown link; only to web addresses, else the title alone."""
    name = " ".join(title.split()).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    if url is None or not is_web(url):
        return name
    return f"[{name}]({quoted(url)})"


def is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def quoted(url: str) -> str:
    return url.strip().translate({0x20: "%20", 0x28: "%28", 0x29: "%29", 0x3C: "%3C", 0x3E: "%3E", 0x0A: "", 0x0D: ""})

"""The sources that a message cites, as a list to fold away.

Most are links in its text already. But a mark in a text may match no source, and a trimmed export has no marks at all:
so whatever is not linked is listed, and a source that was told once is never lost from a page.
"""

from __future__ import annotations

from urllib.parse import unquote

from commonplace.model import Message

TITLE = "Sources"


def unlinked_sources(message: Message) -> list[tuple[str, str]]:
    """Title and address of every source that the text does not lead to."""
    told = message.extra.get("sources")
    text = unquote(message.text)
    found: dict[str, str] = {}
    for source in told if isinstance(told, list) else ():
        url, title = (source.get("url"), source.get("title")) if isinstance(source, dict) else (None, None)
        if isinstance(url, str) and url.startswith(("https://", "http://")) and unquote(url) not in text:
            found.setdefault(url, title if isinstance(title, str) and title.strip() else url)
    return [(title, url) for url, title in found.items()]


def sources_in_markdown(message: Message) -> str:
    """The list as Markdown; empty where there is nothing to add."""
    return "\n".join(f"- [{_label(title)}]({_target(url)})" for title, url in unlinked_sources(message))


def _label(title: str) -> str:
    return " ".join(title.split()).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _target(url: str) -> str:
    return url.strip().translate({0x20: "%20", 0x28: "%28", 0x29: "%29", 0x3C: "%3C", 0x3E: "%3E", 0x0A: "", 0x0D: ""})

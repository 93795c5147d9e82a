"""Citation marks in texts, turned into links.

A mark is what the model wrote where the page shows a source: `U+E200 cite U+E202 turn0search0 U+E201`, the older
`【12†source】`, or a mojibake copy. What it stands for is found by its offset (`citations`, counted in the raw text) or
by its own text (`content_references`); a mark that stands for nothing is removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from commonplace.sources.fields import count, dicts, first_text, mapping, text
from commonplace.sources.markdown import is_web, link

# The second form is an opening mark whose end got lost: only what can be a token goes with it.
MARK = re.compile(
    r"\ue200[^\ue200\ue201\n]*\ue201|\ue200[a-z_]*(?:\ue202[\w-]*)*|【[^【】\n]{0,40}†[^【】\n]{0,200}】|[\ue200-\ue206]"
)
_MOJIBAKE = re.compile("\u00ee(?:\u02c6|\u0088)(\u20ac|\u201a|\u0192|\u201e|\u2026|\u2020|[\u0080-\u0086])?")
_LETTERS = {letter: place for place, letter in enumerate("\u20ac\u0081\u201a\u0192\u201e\u2026\u2020")}


def has_marks(written: str) -> bool:
    """Whether `resolve` would change anything; cheap, because nearly no text has marks."""
    return not written.isascii() and (
        "†" in written
        or "\ue200" in written
        or "\u00ee" in written
        or any(mark in written for mark in ("\ue201", "\ue202", "\ue203", "\ue204", "\ue205", "\ue206"))
    )


def resolve(written: str, metadata: dict[str, Any]) -> str:
    """`written` with each mark replaced by links to what it cites, or removed."""
    if not has_marks(written):
        return written
    by_offset = _links_by_offset(written, metadata)
    if "\u00ee" in written:
        mended = _MOJIBAKE.sub(_unmangled, written)
        by_offset = by_offset if mended == written else {}
        written = mended
    by_text = _links_by_text(metadata)
    pieces: list[str] = []
    copied = 0
    for match in MARK.finditer(written):
        before = written[copied : match.start()]
        link = by_offset.get(match.start())
        if link is None:
            link = by_text.get(match[0])
        if link is None:
            link = _self_told(match[0])
        if not link and len(match[0]) > 1:
            before = before.rstrip(" \t")
        elif link.startswith("(") and before and not before[-1].isspace():
            before += " "
        pieces += (before, link)
        copied = match.end()
    return "".join(pieces) + written[copied:]


def sources(metadata: dict[str, Any]) -> list[dict[str, str]]:
    """Every source a message cites, once, as title and address."""
    found: dict[str, dict[str, str]] = {}
    for reference in dicts(metadata.get("content_references")):
        for title, url in _targets(reference):
            found.setdefault(url, {"title": title, "url": url})
    for citation in dicts(metadata.get("citations")):
        for title, url in _targets(mapping(citation.get("metadata"))):
            found.setdefault(url, {"title": title, "url": url})
    return list(found.values())


def _links_by_offset(written: str, metadata: dict[str, Any]) -> dict[int, str]:
    links: dict[int, str] = {}
    for citation in dicts(metadata.get("citations")):
        start, end = count(citation.get("start_ix")), count(citation.get("end_ix"))
        if start is None or end is None:
            continue
        piece = written[start:end]
        mark = piece.strip()
        if MARK.fullmatch(mark):
            links[start + piece.index(mark)] = _linked(mapping(citation.get("metadata")))
    return links


def _links_by_text(metadata: dict[str, Any]) -> dict[str, str]:
    links: dict[str, str] = {}
    for reference in dicts(metadata.get("content_references")):
        matched = text(reference.get("matched_text"))
        if matched is not None:
            mark = _MOJIBAKE.sub(_unmangled, matched).strip()
            links[mark] = _linked(reference) or _self_told(mark)
    return links


def _linked(reference: dict[str, Any]) -> str:
    """The links that a reference stands for, else the words it gives instead of them."""
    if reference.get("type") in ("hidden", "sources_footnote", "nav_list", "image_group"):
        return ""
    titles: dict[str, str] = {}
    for title, url in _targets(reference):
        titles.setdefault(url, title)
    if titles:
        return "(" + ", ".join(link(title, url) for url, title in titles.items()) + ")"
    name = MARK.sub("", first_text(reference, "alt", "name", "title") or "")
    return f"({name})" if name and reference.get("type") == "file" else name


def _targets(reference: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Titles and addresses of a reference: its own, and those of its items."""
    yield from _own_target(reference)
    for item in dicts(reference.get("items") or reference.get("fallback_items")):
        yield from _own_target(item)
        for site in dicts(item.get("supporting_websites")):
            yield from _own_target(site)
    for source in dicts(reference.get("sources")):
        yield from _own_target(source)


def _own_target(holder: dict[str, Any]) -> Iterator[tuple[str, str]]:
    url = first_text(holder, "url")
    if url and is_web(url):
        yield first_text(holder, "title", "attribution") or url, url


def _self_told(mark: str) -> str:
    """What a mark says by itself: the name of an entity, a link that is spelled out; else nothing."""
    kind, _, rest = mark.strip("\ue200\ue201").partition("\ue202")
    if kind == "entity":
        try:
            told = json.loads(rest)
        except ValueError:
            return ""
        return told[1] if isinstance(told, list) and len(told) > 1 and isinstance(told[1], str) else ""
    if kind in ("url", "link"):
        title, _, url = rest.partition("\ue202")
        return link(title, url)
    return ""


def _unmangled(match: re.Match[str]) -> str:
    """The private-use character that these letters were, before its UTF-8 was read as Windows-1252."""
    letter = match[1]
    if letter is None:
        return "\ue201"  # its last byte, 0x81, is undefined there and often got lost
    return chr(0xE200 + (_LETTERS[letter] if letter in _LETTERS else ord(letter) - 0x80))

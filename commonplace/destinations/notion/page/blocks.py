"""The fallback body: chat Markdown as Notion's block JSON, packed to its limits.

2000 UTF-16 units a piece of text and 100 pieces a block, 100 children an array, two levels below a block in one
request. What would be deeper moves up to the last level, behind an arrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from commonplace.destinations.notion.page.dialect import code_pieces
from commonplace.destinations.notion.page.inline import ATTACHMENT, FILE, IMAGE, MATH_LIMIT, alt_of, is_link, says_more
from commonplace.destinations.notion.page.languages import notion_language
from commonplace.destinations.notion.page.parse import is_too_deep, parse, raw
from commonplace.destinations.notion.page.uploads import media
from commonplace.destinations.notion.page.words import lines_of
from commonplace.destinations.notion.properties import ARRAY_LIMIT, TEXT_LIMIT, pieces_of
from commonplace.destinations.notion.render import Weight
from commonplace.model import Attachment

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

Json = dict[str, Any]

DEEPEST = 2
CHILDREN, TOTAL, BYTES = 100, 1000, 450_000
ARROW = "↳ "


class BlockDialect:
    """Bodies as block JSON. `files` are those that a page shows, by their ids in its conversation."""

    def __init__(self, files: Mapping[str, Attachment] = {}) -> None:
        self._files = files

    def speaker(self, name: str, about: str) -> Json:
        return _block(
            "paragraph", [*_texts(name, {"bold": True}), *_texts(f" · {about}" if about else "", {"color": "gray"})]
        )

    def note(self, text: str) -> Json:
        return {"type": "callout", "callout": {"rich_text": _texts(text), "icon": {"type": "emoji", "emoji": "ℹ️"}}}

    def text(self, markdown: str) -> list[Json]:
        return list(_whole(markdown, 0, self._files))

    def aside(self, summary: str, markdown: str) -> list[Json]:
        return list(_toggles(summary, list(_whole(markdown, 1, self._files))))

    def pack(self, blocks: Sequence[Json]) -> list[list[Json]]:
        """As few requests as the limits allow."""
        parts: list[list[Json]] = [[]]
        total = size = 0
        for block in blocks:
            count, length = _count(block), len(msgspec.json.encode(block)) + 1
            if parts[-1] and (len(parts[-1]) == CHILDREN or total + count > TOTAL or size + length > BYTES):
                parts.append([])
                total = size = 0
            parts[-1].append(block)
            total, size = total + count, size + length
        return parts

    def weight(self, block: Json) -> Weight:
        return _count(block), len(msgspec.json.encode(block))

    def lines(self, block: Json) -> Iterator[str]:
        yield from lines_of(block)
        for child in block[block["type"]].get("children", ()):
            yield from self.lines(child)


def _block(type_: str, rich_text: list[Json], children: list[Json] | None = None, **more: Any) -> Json:
    content: Json = {"rich_text": rich_text, **more}
    if children:
        content["children"] = children
    return {"type": type_, type_: content}


def _count(block: Json) -> int:
    return 1 + sum(map(_count, block[block["type"]].get("children", ())))


def _whole(markdown: str, depth: int, files: Mapping[str, Attachment]) -> Iterator[Json]:
    """Blocks of a text, and the lines of what is nested too deeply for the parser; below each the files in it."""
    for node in parse(markdown):
        named = [inner for inner in node.walk() if _file_of(inner) in files] if files else []
        if not named or not _says_nothing_else(node, named):
            yield from _code(raw(node, markdown), "plain text") if is_too_deep(node) else _of(node, depth)
        for inner in named:
            attachment = files[_file_of(inner)]
            sign = IMAGE if inner.type == "image" else FILE
            yield media(attachment, f"{sign} {alt_of(inner) or attachment.kind}"[: TEXT_LIMIT // 2])


def _file_of(node: SyntaxTreeNode) -> str:
    """The id of the attachment that is shown or linked."""
    address = str(node.attrs.get("src") or node.attrs.get("href") or "") if node.type in ("image", "link") else ""
    return address.removeprefix(ATTACHMENT) if address.startswith(ATTACHMENT) else ""


def _says_nothing_else(node: SyntaxTreeNode, named: Sequence[SyntaxTreeNode]) -> bool:
    """Whether a paragraph is files alone."""
    words = node.children[0].children if node.type == "paragraph" and node.children else [node]
    return all(word in named or word.type in ("softbreak", "hardbreak") or word.content.isspace() for word in words)


def _blocks(nodes: Iterable[SyntaxTreeNode], depth: int) -> Iterator[Json]:
    for node in nodes:
        yield from _of(node, depth)


def _of(node: SyntaxTreeNode, depth: int) -> Iterator[Json]:
    match node.type:
        case "heading":
            yield from _paragraphs(f"heading_{min(int(node.tag[1]) + 1, 3)}", node)
        case "fence" | "code_block":
            yield from _code(node.content, notion_language(node.info))
        case "math_block" if len(node.content) <= MATH_LIMIT:
            yield {"type": "equation", "equation": {"expression": node.content}}
        case "math_block":
            yield from _code(node.content, "latex")
        case "bullet_list" | "ordered_list":
            type_ = "bulleted_list_item" if node.type == "bullet_list" else "numbered_list_item"
            for item in node.children:
                yield from _parent(type_, item.children, depth)
        case "blockquote":
            yield from _parent("quote", node.children, depth)
        case "table":
            yield from _tables(node, depth)
        case "aside":
            yield from _parent_of(_texts(node.meta["summary"] or "…"), "toggle", node.children, depth)
        case "hr":
            yield {"type": "divider", "divider": {}}
        case _:
            yield from _paragraphs("paragraph", node)


def _paragraphs(type_: str, node: SyntaxTreeNode, prefix: str = "", **more: Any) -> Iterator[Json]:
    """One block, or several when there are more than 100 pieces of text."""
    pieces = [*_texts(prefix), *_inline(node.children[0].children if node.children else [], {})]
    for start in range(0, len(pieces), ARRAY_LIMIT):
        yield _block(type_, pieces[start : start + ARRAY_LIMIT], **more)


def _code(code: str, language: str) -> Iterator[Json]:
    for piece in code_pieces(code.removesuffix("\n")):
        yield _block("code", _texts(piece), language=language)


def _parent(type_: str, children: Sequence[SyntaxTreeNode], depth: int) -> Iterator[Json]:
    """A block whose text is its first paragraph."""
    title: list[Json] = []
    if children and children[0].type == "paragraph":
        title, children = list(_inline(children[0].children[0].children, {})), children[1:]
    yield from _parent_of(title, type_, children, depth)


def _parent_of(title: list[Json], type_: str, nodes: Sequence[SyntaxTreeNode], depth: int) -> Iterator[Json]:
    if depth < DEEPEST:
        first, *others = _chunks(list(_blocks(nodes, depth + 1)))
        overflow = [_block(type_, title[i : i + ARRAY_LIMIT]) for i in range(ARRAY_LIMIT, len(title), ARRAY_LIMIT)]
        yield _block(type_, title[:ARRAY_LIMIT], first)
        yield from overflow
        yield from (_block(type_, _texts("…"), chunk) for chunk in others)
        return
    for start in range(0, max(1, len(title)), ARRAY_LIMIT):
        yield _block(type_, title[start : start + ARRAY_LIMIT])
    for block in _blocks(nodes, depth):
        content = block[block["type"]]
        if block["type"] != "code" and 0 < len(content.get("rich_text", ())) < ARRAY_LIMIT:
            content["rich_text"] = [*_texts(ARROW), *content["rich_text"]]
        yield block


def _toggles(summary: str, children: list[Json]) -> Iterator[Json]:
    for chunk in _chunks(children):
        yield _block("toggle", _texts(summary), chunk)


def _chunks(children: Sequence[Json]) -> list[list[Json]]:
    """What may be within one block, that it fits into a request; at least one chunk."""
    chunks: list[list[Json]] = [[]]
    total = 0
    for child in children:
        count = _count(child)
        if chunks[-1] and (len(chunks[-1]) == CHILDREN or total + count >= TOTAL):
            chunks.append([])
            total = 0
        chunks[-1].append(child)
        total += count
    return chunks


def _tables(node: SyntaxTreeNode, depth: int) -> Iterator[Json]:
    """A table, or several with the same head where there are more than 100 rows."""
    rows = [
        [list(_inline(cell.children[0].children if cell.children else [], {}))[:ARRAY_LIMIT] for cell in row.children]
        for section in node.children
        for row in section.children
    ]
    width = len(rows[0])
    if depth >= DEEPEST or width > ARRAY_LIMIT:
        for row in rows:
            pieces = [piece for cell in row for piece in (*cell, *_texts(" | "))][:-1]
            for start in range(0, len(pieces), ARRAY_LIMIT):
                yield _block("paragraph", pieces[start : start + ARRAY_LIMIT])
        return
    head, body = rows[0], rows[1:]
    for start in range(0, max(1, len(body)), CHILDREN - 1):
        cells = [head, *body[start : start + CHILDREN - 1]]
        yield {
            "type": "table",
            "table": {
                "table_width": width,
                "has_column_header": True,
                "has_row_header": False,
                "children": [{"type": "table_row", "table_row": {"cells": row}} for row in cells],
            },
        }


def _texts(text: str, style: Json | None = None) -> list[Json]:
    """Rich text pieces of one style; the style's `href` becomes a link."""
    style = dict(style or {})
    address = style.pop("href", None)
    pieces = []
    for piece in pieces_of(text, TEXT_LIMIT):
        content: Json = {"content": piece} | ({"link": {"url": address}} if address else {})
        pieces.append({"type": "text", "text": content} | ({"annotations": style} if style else {}))
    return pieces


def _inline(nodes: Sequence[SyntaxTreeNode], style: Json) -> Iterator[Json]:
    """Rich text; neighbours of one style are one piece, so that 100 pieces go far."""
    held, held_style = "", style
    for text, piece_style in _runs(nodes, style):
        if "equation" in piece_style:
            yield from _texts(held, held_style)
            held = ""
            yield {"type": "equation", "equation": {"expression": text}}
        elif piece_style == held_style:
            held += text
        else:
            yield from _texts(held, held_style)
            held, held_style = text, piece_style
    yield from _texts(held, held_style)


def _runs(nodes: Sequence[SyntaxTreeNode], style: Json) -> Iterator[tuple[str, Json]]:
    for node in nodes:
        match node.type:
            case "softbreak" | "hardbreak":
                yield "\n", style
            case "code_inline":
                yield node.content, style | {"code": True}
            case "math_inline" if len(node.content) <= MATH_LIMIT:
                yield node.content, {"equation": True}
            case "em" | "strong" | "s":
                name = {"em": "italic", "strong": "bold", "s": "strikethrough"}[node.type]
                yield from _runs(node.children, style | {name: True})
            case "link":
                yield from _link(node, style)
            case "image":
                address = str(node.attrs["src"])
                yield f"{IMAGE} {alt_of(node) or 'image'}", style | ({"href": address} if is_link(address) else {})
            case _:
                yield node.content, style


def _link(node: SyntaxTreeNode, style: Json) -> Iterator[tuple[str, Json]]:
    address = str(node.attrs["href"])
    if is_link(address):
        yield from _runs(node.children, style | {"href": address})
        return
    if address.startswith(ATTACHMENT):
        yield f"{FILE} ", style
    yield from _runs(node.children, style)
    if says_more(node) and not address.startswith(ATTACHMENT):
        yield f" ({address})", style

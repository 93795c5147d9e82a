"""Chat Markdown in Notion's dialect (`markdown_version: "v2"`).

The tree is written anew rather than patched: every literal character that could mean something is escaped, so the
text that a reader sees in Notion is the text that the chat had. What the dialect lacks is said in words: an image is
its caption, a link that Notion would refuse stands in brackets behind its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from commonplace.destinations.notion.inline import MATH_LIMIT, address_of, alt_of, escape, inline, is_link, line_start
from commonplace.destinations.notion.languages import notion_language
from commonplace.destinations.notion.parse import parse
from commonplace.destinations.notion.properties import pieces_of

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

PAYLOAD_BYTES = 450_000
"""Of the 500 KB that a request may have; the rest is for properties."""
BLOCK_LIMIT = 100_000
"""UTF-16 units in one block; Notion holds 100 pieces of 2000."""

_CLOSING_HASHES = re.compile(r"(^|\s)(#+)$")


class MarkdownDialect:
    """Bodies as `markdown_version: "v2"`."""

    def heading(self, text: str) -> str:
        return f"# {escaped(text)}"

    def note(self, text: str) -> str:
        return f'<callout icon="ℹ️">\n{escaped(text)}\n</callout>'

    def text(self, markdown: str) -> list[str]:
        return blocks_of(markdown)

    def aside(self, summary: str, markdown: str) -> list[str]:
        return [toggle(summary, group) for group in _payloads(blocks_of(markdown))]

    def pack(self, blocks: Sequence[str]) -> list[str]:
        """As few requests as the payload limit allows."""
        return ["\n\n".join(group) for group in _payloads(blocks)]


def _payloads(blocks: Sequence[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    size = 0
    for block in blocks:
        length = len(msgspec.json.encode(block)) + 2
        if groups[-1] and size + length > PAYLOAD_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(block)
        size += length
    return groups


def blocks_of(text: str) -> list[str]:
    """Top-level blocks, to be joined by blank lines."""
    return [block for node in parse(text) for block in _bounded(node, text)]


def escaped(text: str) -> str:
    """Text that means nothing but itself, on one line."""
    return line_start(escape(" ".join(text.split())))


def fenced(code: str, language: str = "") -> list[str]:
    """Code in a fence that no run of backticks within can close; several fences if it is very long."""
    return [_fence(piece, language) for piece in code_pieces(code)]


def _bounded(node: SyntaxTreeNode, text: str) -> Iterator[str]:
    """A block's Markdown, in several blocks where one would be too long for Notion."""
    if node.type in ("fence", "code_block"):
        yield from fenced(node.content, node.info)
        return
    written = _block(node)
    if len(written) * 2 <= BLOCK_LIMIT or len(pieces_of(written, BLOCK_LIMIT)) <= 1:
        if written:
            yield written
        return
    lines = text.split("\n")[slice(*(node.map or (0, None)))]
    yield from fenced("\n".join(lines))


def code_pieces(code: str) -> Iterator[str]:
    """Cut between lines; within a line only if it is longer than a block may be."""
    if len(code) * 2 <= BLOCK_LIMIT:
        yield code
        return
    held: list[str] = []
    size = 0
    for line in code.split("\n"):
        for piece in pieces_of(line, BLOCK_LIMIT) or [""]:
            if held and size + 2 * len(piece) + 1 > BLOCK_LIMIT:
                yield "\n".join(held)
                held, size = [], 0
            held.append(piece)
            size += 2 * len(piece) + 1
    yield "\n".join(held)


def _block(node: SyntaxTreeNode, *, nested: bool = False) -> str:
    match node.type:
        case "paragraph":
            return _paragraph(node.children[0].children if node.children else [], nested)
        case "heading":
            return _heading(node)
        case "fence" | "code_block":
            return _fence(node.content, node.info)
        case "math_block":
            return _display(node.content)
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return _quote(node)
        case "table":
            return _table(node)
        case "aside":
            return toggle(node.meta["summary"], [_block(child, nested=True) for child in node.children])
        case "hr":
            return "___" if nested else "---"
        case _:
            return _paragraph(node.children, nested)


def toggle(summary: str, blocks: Iterable[str]) -> str:
    """A collapsed block; tags in the summary (chats write some) are dropped, its text stays."""
    title = escaped(re.sub(r"</?(?:b|i|strong|em|code)>", "", summary)) or "…"
    return "\n\n".join([f"<toggle>\n{title}", *filter(None, blocks)]) + "\n</toggle>"


def _paragraph(children: Sequence[SyntaxTreeNode], nested: bool) -> str:
    pictures = [child for child in children if child.type == "image"]
    others = [c for c in children if c.type not in ("image", "softbreak", "hardbreak") and c.content.strip()]
    if pictures and not others and not nested and all(is_link(str(p.attrs["src"])) for p in pictures):
        return "\n\n".join(f"![{escape(alt_of(p))}]({address_of(str(p.attrs['src']))})" for p in pictures)
    lines = inline(children, "\\\n").split("\n")
    return "\n".join(map(line_start, lines))


def _heading(node: SyntaxTreeNode) -> str:
    text = inline(node.children[0].children if node.children else [], " ").strip()
    # One level down: the speakers are the first.
    text = _CLOSING_HASHES.sub(r"\1\\\2", text)
    return f"{'#' * min(int(node.tag[1]) + 1, 4)} {text}" if text else ""


def _fence(code: str, info: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    language = notion_language(info)
    return f"{fence}{'' if language == 'plain text' else language}\n{code.removesuffix(chr(10))}\n{fence}"


def _display(formula: str) -> str:
    if len(formula) > MATH_LIMIT or "$$" in formula:
        return _fence(formula, "latex")
    return f"$$\n{formula}\n$$"


def _list(node: SyntaxTreeNode) -> str:
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for item in node.children:
        marker = node.markup if number is None else f"{number}{node.markup}"
        items.append(_item(item, marker))
        if number is not None:
            number += 1
    return "\n".join(items)


def _item(item: SyntaxTreeNode, marker: str) -> str:
    parts: list[str] = []
    for child in item.children:
        text = _task(child) or _block(child, nested=True)
        if text:
            parts += ["\n" if _may_follow_closely(child) else "\n\n", text] if parts else [text]
    indent = " " * (len(marker) + 1)
    lines = "".join(parts).split("\n")
    return f"{marker} " + "\n".join([lines[0], *(indent + line if line else "" for line in lines[1:])])


def _task(node: SyntaxTreeNode) -> str:
    """`[ ]` and `[x]` at the start of an item, which escaping would take the meaning from."""
    if node.type != "paragraph" or not node.children:
        return ""
    match = re.match(r"\[([ xX])\][ \t]", node.children[0].content)
    if not match:
        return ""
    rest = _paragraph(node.children[0].children, nested=True)
    return f"[{match[1].lower()}] {rest[len(escape(match[0].rstrip())) :].lstrip()}"


def _may_follow_closely(node: SyntaxTreeNode) -> bool:
    """A list that may interrupt the paragraph above it."""
    if node.type == "ordered_list" and int(node.attrs.get("start", 1)) != 1:
        return False
    return node.type in ("bullet_list", "ordered_list") and bool(node.children and node.children[0].children)


def _quote(node: SyntaxTreeNode) -> str:
    blocks = [block for child in node.children if (block := _block(child, nested=True))]
    if len(blocks) > 1 and node.children[0].type == "paragraph":
        return "\n\n".join([f"<quote>\n{blocks[0]}", *blocks[1:]]) + "\n</quote>"
    return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(blocks).split("\n")) if blocks else ""


def _table(node: SyntaxTreeNode) -> str:
    rows = [[_cell(cell) for cell in row.children] for section in node.children for row in section.children]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _cell(cell: SyntaxTreeNode) -> str:
    text = inline(cell.children[0].children if cell.children else [], "<br />")
    return re.sub(r"\\?\|", lambda m: "&#92;\\|" if m[0] != "|" else "\\|", text)

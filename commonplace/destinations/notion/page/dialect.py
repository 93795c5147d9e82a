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

from commonplace.destinations.notion.page.inline import (
    MATH_LIMIT,
    address_of,
    alt_of,
    escape,
    inline,
    is_link,
    line_start,
)
from commonplace.destinations.notion.page.languages import notion_language
from commonplace.destinations.notion.page.parse import is_too_deep, parse, raw
from commonplace.destinations.notion.properties import pieces_of
from commonplace.destinations.notion.render import Weight

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

PAYLOAD_BYTES = 450_000
"""Of the 500 KB that a request may have; the rest is for properties."""
BLOCK_LIMIT = 100_000
"""UTF-16 units in one block; Notion holds 100 pieces of 2000."""

BLOCK_RECORDS = 500
"""Notion's blocks in one of ours, such as the items of a list: so many fit on any page."""

_CLOSING_HASHES = re.compile(r"(^|\s)(#+)$")


class MarkdownDialect:
    """Bodies as `markdown_version: "v2"`."""

    def speaker(self, name: str, about: str) -> str:
        return f"**{escape(' '.join(name.split()))}**" + (f" · {escaped(about)}" if about else "")

    def note(self, text: str) -> str:
        return f'<callout icon="ℹ️">\n{escaped(text)}\n</callout>'

    def text(self, markdown: str) -> list[str]:
        return blocks_of(markdown)

    def aside(self, summary: str, markdown: str) -> list[str]:
        return [toggle(summary, group) for group in _toggled(blocks_of(markdown))]

    def pack(self, blocks: Sequence[str]) -> list[str]:
        """As few requests as the payload limit allows."""
        return ["\n\n".join(group) for group in _groups(blocks, PAYLOAD_BYTES)]

    def weight(self, block: str) -> Weight:
        return records_of(block), len(block)

    def lines(self, block: str) -> list[str]:
        return block.split("\n")


def _groups(texts: Iterable[str], most_bytes: int, most_records: int | None = None) -> list[list[str]]:
    """Neighbours together, as many as fit; at least one group."""
    groups: list[list[str]] = [[]]
    size = records = 0
    for text in texts:
        length = len(msgspec.json.encode(text)) + 2
        count = records_of(text) if most_records else 0
        if groups[-1] and (size + length > most_bytes or (most_records and records + count > most_records)):
            groups.append([])
            size = records = 0
        groups[-1].append(text)
        size, records = size + length, records + count
    return groups


def _toggled(blocks: Iterable[str]) -> list[list[str]]:
    """What goes into one toggle each; what is around it takes some room as well."""
    return _groups(blocks, PAYLOAD_BYTES - 10_000, BLOCK_RECORDS - 10)


def blocks_of(text: str) -> list[str]:
    """Top-level blocks, to be joined by blank lines."""
    return [
        block
        for node in parse(text)
        for block in (fenced(raw(node, text)) if is_too_deep(node) else _bounded(node, text))
    ]


def records_of(block: str) -> int:
    """About how many of Notion's blocks this is: each has a line, and code is one however many it has."""
    if "\n" not in block or block.startswith("```"):
        return 1
    return sum(1 for line in block.split("\n") if line.strip())


def escaped(text: str) -> str:
    """Text that means nothing but itself, on one line."""
    return line_start(escape(" ".join(text.split())))


def fenced(code: str, language: str = "") -> list[str]:
    """Code in a fence that no run of backticks within can close; several fences if it is very long."""
    return [_fence(piece, language) for piece in code_pieces(code)]


def _bounded(node: SyntaxTreeNode, text: str, *, nested: bool = False) -> Iterator[str]:
    """A block's Markdown, in several blocks where one would be too long for Notion."""
    if node.type in ("fence", "code_block"):
        yield from fenced(node.content, node.info)
        return
    if node.type == "aside":
        blocks = (block for child in node.children for block in _bounded(child, text, nested=True))
        yield from (toggle(node.meta["summary"], group) for group in _toggled(blocks))
        return
    written = _block(node, nested=nested)
    if _fits(written):
        if written:
            yield written
        return
    cut = list(_cut(node))
    if cut and all(map(_fits, cut)):
        yield from cut
        return
    yield from fenced(raw(node, text))


def _fits(written: str) -> bool:
    is_short = len(written) * 2 <= BLOCK_LIMIT or len(pieces_of(written, BLOCK_LIMIT)) <= 1
    return is_short and records_of(written) <= BLOCK_RECORDS


def _cut(node: SyntaxTreeNode) -> Iterator[str]:
    """A long list between its items, a table between its rows; else nothing."""
    match node.type:
        case "bullet_list" | "ordered_list":
            for group in _groups(_items(node), BLOCK_LIMIT, BLOCK_RECORDS):
                yield "\n".join(group)
        case "table":
            head, *rows = _rows(node)
            for group in _groups(rows, BLOCK_LIMIT - len(head) * 3, BLOCK_RECORDS - 2):
                yield "\n".join([head, *group])


def code_pieces(code: str) -> Iterator[str]:
    """Cut between lines; within a line only if it is longer than a block may be."""
    if len(code) * 2 <= BLOCK_LIMIT:
        yield code
        return
    gathered: list[str] = []
    size = 0
    for line in code.split("\n"):
        for piece in pieces_of(line, BLOCK_LIMIT) or [""]:
            if gathered and size + 2 * len(piece) + 1 > BLOCK_LIMIT:
                yield "\n".join(gathered)
                gathered, size = [], 0
            gathered.append(piece)
            size += 2 * len(piece) + 1
    yield "\n".join(gathered)


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
            return "\n".join(_items(node))
        case "blockquote":
            return _quote(node)
        case "table":
            return "\n".join(_rows(node))
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
    # One level down: the page's title is the first.
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


def _items(node: SyntaxTreeNode) -> Iterator[str]:
    start = int(node.attrs.get("start", 1))
    for number, item in enumerate(node.children, start):
        yield _item(item, f"{number}{node.markup}" if node.type == "ordered_list" else node.markup)


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


def _rows(node: SyntaxTreeNode) -> Iterator[str]:
    """The head with the line below it, then row by row."""
    rows = [[_cell(cell) for cell in row.children] for section in node.children for row in section.children]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    yield f"{lines[0]}\n|{' --- |' * len(rows[0])}"
    yield from lines[1:]


def _cell(cell: SyntaxTreeNode) -> str:
    text = inline(cell.children[0].children if cell.children else [], "<br />")
    return re.sub(r"\\?\|", lambda m: "&#92;\\|" if m[0] != "|" else "\\|", text)

"""How the fake Notion reads `markdown_version: "v2"`: into blocks, strictly, remembering what it had to bend.

Written from Notion's published description of the dialect and independently of the renderer that it tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

CONTAINERS = ("toggle", "quote", "callout", "p", "h1", "h2", "h3", "h4", "columns", "column")
INLINE_TAGS = re.compile(r"</?(?:b|i|s|u|br|span|mention|date)\b[^>]*>", re.IGNORECASE)
LANGUAGES = frozenset(
    """abap agda arduino assembly bash basic bnf c c# c++ clojure coffeescript coq css dart dhall diff docker ebnf
    elixir elm erlang f# flow fortran gherkin glsl go graphql groovy haskell hcl html idris java javascript json julia
    kotlin latex less lisp livescript lua makefile markdown markup matlab mathematica mermaid nix objective-c ocaml
    pascal
    perl php powershell prolog protobuf purescript python r racket reason ruby rust sass scala scheme scss shell
    smalltalk solidity sql swift toml typescript vb.net verilog vhdl webassembly xml yaml""".split()  # noqa: SIM905
)
LONGEST_BLOCK = 200_000


class Unreadable(Exception):
    """What Notion answers with a validation_error."""


@dataclass
class Block:
    """One block as Notion keeps it."""

    type: str
    text: str = ""
    children: list[Block] = field(default_factory=list)
    language: str = ""
    id: str = ""
    file: str = ""
    """The hash of the bytes that it shows."""

    def __post_init__(self) -> None:
        if len(self.text.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_BLOCK:
            raise Unreadable("Block text is too long.")

    def walk(self) -> Iterator[Block]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class Reading:
    """Blocks, and what the parser changed or did not understand."""

    blocks: list[Block]
    warnings: list[str]


def read(markdown: str) -> Reading:
    warnings: list[str] = []
    tree = SyntaxTreeNode(_parser().parse(markdown))
    return Reading(list(_blocks(tree.children, warnings)), warnings)


def plain(blocks: Iterable[Block]) -> str:
    """All text, a line per block, in reading order."""
    return "\n".join(block.text for top in blocks for block in top.walk() if block.text)


def write(blocks: Iterable[Block]) -> str:
    """The blocks as a reader of the Markdown endpoint gets them: Notion's own spelling, not what was sent."""
    return "\n\n".join(_written(block) for block in blocks)


def _written(block: Block) -> str:
    text = re.sub(r"([\\*~`$\[\]<>{}|^])", r"\\\1", block.text).replace("\n", "\\\n")
    below = "\n".join(f"\t{line}" for child in block.children for line in _written(child).split("\n"))
    match block.type:
        case "code":
            fence = "`" * max(3, max((len(run) for run in re.findall("`+", block.text)), default=0) + 1)
            language = "" if block.language == "plain text" else block.language
            return f"{fence}{language}\n{block.text}\n{fence}"
        case "equation":
            return f"$$\n{block.text}\n$$"
        case "divider":
            return "---"
        case "image":
            return f"![{text}](https://files.notion.example/image?expires=1)"
        case "file" | "pdf" | "audio" | "video":
            return f'<{block.type} src="https://files.notion.example/{block.file}?expires=1">{text}</{block.type}>'
        case "child_page" | "child_database":
            return f'<page url="https://app.notion.com/p/{block.id}">{text}</page>'
        case "bookmark" | "embed" | "link_preview" | "breadcrumb":
            return f'<unknown url="https://app.notion.com/p/{block.id}" alt="{block.type}"/>'
        case "table":
            rows = ["| " + " | ".join(_cells(row)) + " |" for row in block.children]
            return "\n".join([rows[0], "|" + " --- |" * len(_cells(block.children[0])), *rows[1:]])
        case "toggle" | "callout" | "quote" if block.children or block.type != "quote":
            inner = "\n\n".join(_written(child) for child in block.children)
            return (
                f"<{block.type}>\n{text}\n\n{inner}\n</{block.type}>"
                if inner
                else f"<{block.type}>\n{text}\n</{block.type}>"
            )
    marks = {"bulleted_list_item": "- ", "numbered_list_item": "1. ", "to_do": "- [ ] ", "quote": "> "}
    marks |= {f"heading_{level}": "#" * level + " " for level in (1, 2, 3, 4)}
    return "\n".join(filter(None, [marks.get(block.type, "") + text, below]))


def _cells(row: Block) -> list[str]:
    return [cell.replace("|", "\\|") for cell in row.text.split("\n")]


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    options = RuleOptionsType(alt=["paragraph", "reference", "blockquote", "list"])
    parser.block.ruler.before("fence", "container", _container, options)
    parser.block.ruler.before("fence", "display", _display, options)
    parser.inline.ruler.before("escape", "math", _math)
    return parser


def _text_of(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _container(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opening = re.match(rf"<({'|'.join(CONTAINERS)})(?:\s[^>]*)?>$", _text_of(state, start))
    if not opening:
        return False
    depth, last, fence = 0, None, ""
    for line in range(start, end):
        text = _text_of(state, line)
        mark = re.match(r"(`{3,}|~{3,})", text)
        if mark and (not fence or (text.startswith(fence) and not text.strip("`~"))):
            fence = "" if fence else mark[1]
        elif not fence:
            depth += bool(re.match(rf"<{opening[1]}(?:\s[^>/]*)?>$", text)) - (text == f"</{opening[1]}>")
            if depth == 0:
                last = line
                break
    if last is None:
        return False
    if silent:
        return True
    first = start + 1
    title = []
    while first < last and not state.isEmpty(first):
        title.append(_text_of(state, first))
        first += 1
    kept = state.lineMax, state.parentType
    state.lineMax, state.parentType = last, "container"
    token = state.push("container_open", opening[1], 1)
    token.meta = {"title": "\n".join(title)}
    state.md.block.tokenize(state, first, last)
    state.push("container_close", opening[1], -1)
    state.lineMax, state.parentType = kept
    state.line = last + 1
    return True


def _display(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if _text_of(state, start) != "$$":
        return False
    for line in range(start + 1, end):
        if _text_of(state, line) == "$$":
            if not silent:
                token = state.push("display", "math", 0)
                token.content = "\n".join(_text_of(state, n) for n in range(start + 1, line))
                state.line = line + 1
            return True
    return False


def _math(state: StateInline, silent: bool) -> bool:
    match = re.compile(r"\$([^$\n]+)\$").match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        state.push("math", "math", 0).content = match[1]
    state.pos = match.end()
    return True


def _blocks(nodes: Iterable[SyntaxTreeNode], warnings: list[str]) -> Iterator[Block]:
    for node in nodes:
        yield from _block(node, warnings)


def _block(node: SyntaxTreeNode, warnings: list[str]) -> Iterator[Block]:
    match node.type:
        case "paragraph":
            yield _paragraph(node, warnings)
        case "heading":
            yield Block(f"heading_{min(int(node.tag[1]), 4)}", _inline_of(node, warnings))
        case "fence":
            language = node.info.strip()
            if language and language not in LANGUAGES:
                warnings.append(f"unknown code language {language!r}")
            yield Block("code", node.content.removesuffix("\n"), language=language or "plain text")
        case "code_block":
            warnings.append("indented code")
            yield Block("code", node.content.removesuffix("\n"))
        case "display":
            if len(node.content) > 1000:
                raise Unreadable("equation.expression.length should be ≤ `1000`")
            yield Block("equation", node.content)
        case "hr":
            yield Block("divider")
        case "bullet_list" | "ordered_list":
            for item in node.children:
                yield _item("bulleted" if node.type == "bullet_list" else "numbered", item, warnings)
        case "blockquote":
            yield Block("quote", "", list(_blocks(node.children, warnings)))
        case "table":
            yield Block("table", "", list(_rows(node, warnings)))
        case "container":
            yield _held(node, warnings)
        case "html_block":
            warnings.append(f"unknown HTML {node.content[:30]!r}")
            yield Block("paragraph", node.content.strip())
        case _:
            raise Unreadable(f"unknown block {node.type}")


def _paragraph(node: SyntaxTreeNode, warnings: list[str]) -> Block:
    children = node.children[0].children if node.children else []
    if len(children) == 1 and children[0].type == "image":
        return Block("image", _words(children[0].children, warnings))
    if any(child.type == "image" for child in children):
        warnings.append("an image beside text")
    return Block("paragraph", _words(children, warnings))


def _item(kind: str, item: SyntaxTreeNode, warnings: list[str]) -> Block:
    children = item.children
    text = ""
    if children and children[0].type == "paragraph":
        text, children = _inline_of(children[0], warnings), children[1:]
    task = re.match(r"\[([ x])\] ", text) if kind == "bulleted" else None
    type_ = "to_do" if task else f"{kind}_list_item"
    return Block(type_, text[4:] if task else text, list(_blocks(children, warnings)))


def _held(node: SyntaxTreeNode, warnings: list[str]) -> Block:
    title = _parser().parseInline(node.meta["title"])
    text = _words(SyntaxTreeNode(title).children[0].children if title and title[0].children else [], warnings)
    type_ = {"p": "paragraph", "toggle": "toggle", "quote": "quote", "callout": "callout"}.get(node.tag, node.tag)
    return Block(type_, text, list(_blocks(node.children, warnings)))


def _rows(node: SyntaxTreeNode, warnings: list[str]) -> Iterator[Block]:
    for section in node.children:
        for row in section.children:
            yield Block("table_row", "\n".join(_inline_of(cell, warnings) for cell in row.children))


def _inline_of(node: SyntaxTreeNode, warnings: list[str]) -> str:
    return _words(node.children[0].children if node.children else [], warnings)


def _words(nodes: Iterable[SyntaxTreeNode], warnings: list[str]) -> str:
    return "".join(_word(node, warnings) for node in nodes)


def _word(node: SyntaxTreeNode, warnings: list[str]) -> str:
    match node.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "math":
            if len(node.content) > 1000:
                raise Unreadable("equation.expression.length should be ≤ `1000`")
            return node.content
        case "html_inline":
            if INLINE_TAGS.fullmatch(node.content):
                return "\n" if node.content.lower().startswith("<br") else ""
            warnings.append(f"unknown tag {node.content[:30]!r}")
            return node.content
        case "link" | "image":
            _check_address(str(node.attrs.get("href") or node.attrs.get("src") or ""))
            return _words(node.children, warnings)
        case "em" | "strong" | "s":
            return _words(node.children, warnings)
        case _:
            return node.content


def _check_address(address: Any) -> None:
    if not re.match(r"(https?://|mailto:)", address, re.IGNORECASE) or len(address) > 2000:
        raise Unreadable("Invalid URL for link.")

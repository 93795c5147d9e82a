"""The Markdown of chats as a tree: CommonMark, tables and strikethrough, and what chats add to that.

- Mathematics in all its spellings: `\\(x\\)`, `\\[x\\]`, `$x$`, `$$x$$`. It has to be known before anything else is,
  because a line of a formula may look like a heading or a list.
- Asides: `<details>` with a summary, whose content is Markdown.
- Bare addresses, which may hold characters that otherwise mean something.
- All other HTML is text: chats talk about tags far more often than they use them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.tree import SyntaxTreeNode

_LOOKS_LIKE_MATH = re.compile(r"[\\^_={}]")
_DISPLAY_CLOSE = {"$$": "$$", "\\[": "\\]"}
_DETAILS = re.compile(r"<details\b[^>]*>[ \t]*(?:<summary>(.*?)</summary>)?[ \t]*$", re.IGNORECASE)
_SUMMARY = re.compile(r"<summary>(.*?)</summary>[ \t]*$", re.IGNORECASE)
_SCHEME = re.compile(r"(?:^|(?<=\W)|(?<=_))https?$", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]*[^\s<>\"'`\\.,;:!?)\]}*_~|]", re.IGNORECASE)
_DOLLARS = re.compile(r"\$(?!\s)([^$`\n]*?[^$`\s\\])\$(?!\d)")


MOST_LEVELS = 40
"""The parser drops what is nested more deeply."""


def is_too_deep(node: SyntaxTreeNode) -> bool:
    """Whether the parser may have given up within this block: then its lines say more than the tree."""
    return any(inner.level >= MOST_LEVELS - 2 for inner in node.walk() if inner.type != "text")


def raw(node: SyntaxTreeNode, text: str) -> str:
    """A block's lines as they were written."""
    return "\n".join(text.split("\n")[slice(*(node.map or (0, None)))])


def parse(text: str) -> list[SyntaxTreeNode]:
    """The top-level blocks."""
    from markdown_it.tree import SyntaxTreeNode

    return SyntaxTreeNode(_parser().parse(text)).children


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MOST_LEVELS}).enable(["table", "strikethrough"])
    # A definition that is not understood would take its address with it: it stays as text.
    parser.disable(["reference", "html_block", "html_inline"])
    interrupts = RuleOptionsType(alt=["paragraph", "reference", "blockquote", "list"])
    parser.block.ruler.before("fence", "math_block", _math_block, interrupts)
    parser.block.ruler.before("fence", "aside", _aside, interrupts)
    parser.inline.ruler.before("escape", "math_inline", _math_inline)
    parser.inline.ruler.before("escape", "bare_address", _bare_address)
    return parser


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    first = _line(state, start)
    close = _DISPLAY_CLOSE.get(first[:2])
    if close is None or state.is_code_block(start):
        return False
    found = _math_end(state, start, end, close)
    if found is None:
        return False
    last, lines = found
    content = "\n".join(line for line in lines if line.strip())
    if not content.strip() or (close == "\\]" and not _LOOKS_LIKE_MATH.search(content)):
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.content, token.map = content.strip(), [start, last + 1]
        state.line = last + 1
    return True


def _math_end(state: StateBlock, start: int, end: int, close: str) -> tuple[int, list[str]] | None:
    """The line that ends a formula, and the formula's lines; punctuation may follow the closing mark."""
    lines: list[str] = []
    for line in range(start, end):
        if line > start and state.sCount[line] < state.blkIndent and not state.isEmpty(line):
            return None
        text = _line(state, line)[2 if line == start else 0 :]
        body, mark, rest = text.partition(close)
        if mark:
            return (line, [*lines, body + rest.strip()]) if rest.strip() in ("", ".", ",", ";") else None
        lines.append(text)
    return None


def _aside(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opening = _DETAILS.match(_line(state, start))
    if not opening or state.is_code_block(start):
        return False
    last = _aside_end(state, start, end)
    if last is None:
        return False
    if silent:
        return True
    summary, content = opening[1], start + 1
    while summary is None and content < last and state.isEmpty(content):
        content += 1
    if summary is None and (match := _SUMMARY.match(_line(state, content))):
        summary, content = match[1], content + 1
    kept = state.lineMax, state.parentType
    state.lineMax, state.parentType = last, "container"
    token = state.push("aside_open", "details", 1)
    token.meta, token.map = {"summary": (summary or "").strip()}, [start, last + 1]
    state.md.block.tokenize(state, content, last)
    state.push("aside_close", "details", -1)
    state.lineMax, state.parentType = kept
    state.line = last + 1
    return True


def _aside_end(state: StateBlock, start: int, end: int) -> int | None:
    """The line with the `</details>` that belongs to the opening, past code that talks about it."""
    depth, fence = 0, ""
    for line in range(start, end):
        text = _line(state, line)
        if line > start and state.sCount[line] < state.blkIndent and text:
            return None
        mark = re.match(r"(`{3,}|~{3,})", text)
        if mark and (not fence or (mark[1].startswith(fence) and text == mark[1])):
            fence = "" if fence else mark[1]
        elif not fence:
            depth += bool(_DETAILS.match(text)) - (text.lower() == "</details>")
            if depth == 0:
                return line
    return None


def _bare_address(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    scheme = _SCHEME.search(state.pending)
    if not scheme:
        return False
    start = state.pos - len(scheme[0])
    match = _ADDRESS.match(state.src, start, state.posMax)
    if not match:
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[0])]
        state.push("link_open", "a", 1).attrs = {"href": match[0]}
        state.push("text", "", 0).content = match[0]
        state.push("link_close", "a", -1)
    state.pos = match.end()
    return True


def _math_inline(state: StateInline, silent: bool) -> bool:
    text, position = state.src, state.pos
    if text[position] == "$":
        content, end = _dollars(text, position)
    elif text[position : position + 2] in ("\\(", "\\["):
        content, end = _brackets(text, position)
    else:
        return False
    if content is None or end > state.posMax:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = content
    state.pos = end
    return True


def _dollars(text: str, position: int) -> tuple[str | None, int]:
    """`$$x$$` within a line, or `$x$` when it cannot be two prices."""
    if text.startswith("$$", position):
        end = text.find("$$", position + 2)
        content = text[position + 2 : end].strip() if end > 0 else ""
        return (content, end + 2) if content and not set("$`\n") & set(content) else (None, 0)
    match = _DOLLARS.match(text, position)
    if not match or text[position - 1 : position] in ("$", "\\") or text.startswith("$", match.end()):
        return None, 0
    return match[1], match.end()


def _brackets(text: str, position: int) -> tuple[str | None, int]:
    close = "\\)" if text[position + 1] == "(" else "\\]"
    end = text.find(close, position + 2)
    content = " ".join(text[position + 2 : end].split()) if end > 0 else ""
    if not content or set("$`") & set(content) or (close == "\\]" and not _LOOKS_LIKE_MATH.search(content)):
        return None, 0
    return content, end + 2

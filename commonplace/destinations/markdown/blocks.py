"""The block structure of a message, by CommonMark's rules: which lines are code, which are prose, where cells end.

Inline marks are not parsed, which is most of a parser's time. HTML is text, since its tags get escaped. Display
formulas are blocks: a line of a formula may look like a heading or a list.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

NOT_A_FORMULA = re.compile(r"\]\(|!\[|`")
"""What would still be a link, a picture or code to a program that knows no formulas."""


def parse_blocks(text: str) -> list[Token]:
    """Tokens whose `map` gives the lines that each block covers. Lines of no token were nested too deeply."""
    return _parser().parse(text)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable("table")
    # A link's definition stays in sight, as text: its address is not ours to follow.
    parser.disable(["inline", "text_join", "reference", "html_block"])
    parser.block.ruler.before("fence", "formula", _formula, {"alt": ["paragraph", "blockquote", "list"]})
    return parser


def _formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""`\[` at the beginning of a line to `\]` at the end of one, without an empty line between."""
    if state.is_code_block(start) or not _line(state, start).startswith("\\["):
        return False
    for last in range(start, end):
        line = _line(state, last)
        if not line or state.sCount[last] < state.blkIndent:
            return False
        if line.endswith("\\]") and (last > start or len(line) > 4):
            break
    else:
        return False
    if NOT_A_FORMULA.search("\n".join(_line(state, line) for line in range(start, last + 1))):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.map = [start, last + 1]
        state.line = last + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()

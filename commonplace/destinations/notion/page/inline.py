"""Words within a block, in Notion's dialect: styles, links, code, formulas, and everything else escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from commonplace.destinations.notion.properties import URL_LIMIT

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

MATH_LIMIT = 1000
_HOST = re.compile(r"[^\s#%/:<>?@\[\\\]^|]+")

IMAGE, FILE = "🖼", "📎"
ATTACHMENT = "attachment:"

_SPECIAL = re.compile(r"[\\`*~$\[\]<]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w{1,31};)|!$")
_BLOCK_START = re.compile(r"^(?:[-+](?=\s|$)|#{1,6}(?=\s|$)|>|=+\s*$|-+\s*$|(?=[|:\s-]*-)[|:\s-]+$)")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_MARKS = {"em": ("*", "i"), "strong": ("**", "b"), "s": ("~~", "s")}
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def inline(nodes: Sequence[SyntaxTreeNode], line_break: str, *, in_link: bool = False) -> str:
    """These words on as many lines as they have."""
    pieces: list[tuple[str, str]] = []
    for node in nodes:
        match node.type:
            case "softbreak" | "hardbreak":
                if pieces:
                    pieces[-1] = pieces[-1][0].rstrip(" "), pieces[-1][1]
                pieces.append((line_break, ""))
            case "code_inline":
                pieces.append((code(node.content), ""))
            case "math_inline":
                pieces.append((f"${node.content}$" if len(node.content) <= MATH_LIMIT else code(node.content), ""))
            case "em" | "strong" | "s":
                pieces.append((inline(node.children, line_break, in_link=in_link), node.type))
            case "link":
                pieces.append((_link(node, line_break), ""))
            case "image":
                pieces.append((_picture(node, in_link), ""))
            case _:
                pieces.append((escape(node.content), ""))
    return _joined(pieces)


def _joined(pieces: Sequence[tuple[str, str]]) -> str:
    """Pieces of text, some with a style: by marks where they are unmistakable, by tags elsewhere."""
    written = ""
    for number, (text, style) in enumerate(pieces):
        if not style or not text:
            written += text
            continue
        mark, tag = _MARKS[style]
        following = next((piece for piece in pieces[number + 1 :] if piece[0]), ("", ""))
        after = _MARKS[following[1]][0] if following[1] else following[0]
        if _is_clear(mark, written[-1:], text, after[:1]):
            written += f"{mark}{text}{mark}"
        else:
            written += f"<{tag}>{text}</{tag}>"
    return written


def _is_clear(mark: str, before: str, text: str, after: str) -> bool:
    """Whether marks open before the text and close behind it, whatever stands around them."""
    if mark[0] in (before, after, text[0], text[-1]):
        return False
    return (text[0].isalnum() or (not text[0].isspace() and _is_edge(before))) and (
        text[-1].isalnum() or (not text[-1].isspace() and _is_edge(after))
    )


def _is_edge(character: str) -> bool:
    return not character or character.isspace() or character in _PUNCTUATION


def escape(text: str) -> str:
    """Text whose every character means itself."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def line_start(line: str) -> str:
    """A line of text that no longer looks like the start of a block."""
    if match := _NUMBERED.match(line):
        return f"{match[1]}\\{line[len(match[1]) :]}"
    if _BLOCK_START.match(line):
        start = line.find("-") if line[0] in "|:" else 0
        return f"{line[:start]}\\{line[start:]}"
    return line


def code(text: str) -> str:
    """A code span whose marks are no run of backticks within."""
    runs = {len(run) for run in re.findall(r"`+", text)}
    mark = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    pad = " " if text[:1] == "`" or text[-1:] == "`" or (text[:1] == text[-1:] == " " and text.strip(" ")) else ""
    return f"{mark}{pad}{text}{pad}{mark}"


def _link(node: SyntaxTreeNode, line_break: str) -> str:
    address = str(node.attrs["href"])
    text = inline(node.children, line_break, in_link=True)
    if address.startswith(ATTACHMENT):
        return f"{FILE} {text}"
    if not is_link(address):
        return f"{text} ({code(address)})" if says_more(node) else text
    return _linked(text, address)


def says_more(node: SyntaxTreeNode) -> bool:
    """Whether a link's address is something else than its text."""
    return node.attrs["href"] not in ("", node.children[0].content if node.children else "")


def _linked(text: str, address: str) -> str:
    return f"[{text or escape(address)}]({address_of(address)})"


def _picture(node: SyntaxTreeNode, in_link: bool) -> str:
    address, alt = str(node.attrs["src"]), escape(alt_of(node)) or "image"
    return f"{IMAGE} {alt}" if in_link or not is_link(address) else f"{IMAGE} {_linked(alt, address)}"


def alt_of(node: SyntaxTreeNode) -> str:
    return "".join(child.content or alt_of(child) for child in node.children) if node.children else node.content


def is_link(address: str) -> bool:
    """Whether Notion takes it: over one address that it cannot read it refuses the whole page."""
    try:
        parts = urlsplit(address)
        has_place = parts.scheme == "mailto" or (bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0)
    except ValueError:
        return False
    return parts.scheme in ("https", "http", "mailto") and has_place and len(address) <= URL_LIMIT


def address_of(address: str) -> str:
    return re.sub(r"[\s()<>\\]", lambda match: f"%{ord(match[0]):02X}", address)

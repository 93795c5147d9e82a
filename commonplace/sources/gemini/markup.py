"""Gemini's answers are HTML: the Markdown that says the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from commonplace.sources.markdown import fence, link, quote

_BLOCKS = {"p", "div", "section", "article", "figure", *(f"h{level}" for level in range(1, 7))}
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
_CELLS = {"td", "th"}
_CAPTURED = {"a", "code", "blockquote", "pre", "table", "tr", *_CELLS}
"""What is written when it ends, from all that stood in it."""
_TAGS = {*_BLOCKS, *_MARKS, *_CAPTURED, "br", "hr", "img", "li", "ul", "ol", "thead", "tbody"}
_DEEPEST = 30
_HEADING = re.compile(r"h[1-6]")
_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [\w-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' (?:href|alt)="([^"]*)"')
_NEWLINE = "\n"
_AS_IT_IS = _TAGS - {"a", "img", "table", "thead", "tbody", "tr", *_CELLS}
"""Tags that nh3 would leave alone, where nothing is in them."""


def markdown_of(html: str) -> str:
    """Everything that a reader of the page would see."""
    writer = _Writer()
    pieces = _TAG.split(html)
    if len(pieces) // 4 < html.count("<") or any(pieces[3::4]) or not _AS_IT_IS.issuperset(pieces[2::4]):
        pieces = _TAG.split(_clean(html))
    said, *pieces = pieces
    writer.say(said)
    for slash, tag, attributes, said in zip(*(pieces[place::4] for place in range(4)), strict=True):
        if slash:
            writer.end(tag)
        else:
            writer.start(tag, attributes)
        if said:
            writer.say(said)
    return writer.finished()


def _clean(html: str) -> str:
    """As nh3 writes it, every tag is well-formed and whatever else looks like one is escaped."""
    import nh3

    return nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}, "img": {"alt"}}, link_rel=None)


class _Text:
    """What is written one after the other, with no more lines between than are asked for."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._lines = 0
        self._is_marked = False

    def write(self, text: str) -> None:
        if text:
            if self.pieces:
                self.pieces.append("\n" * self._lines)
            self.pieces.append(text)
            self._lines, self._is_marked = 0, False

    def block(self, lines: int = 2) -> None:
        """What follows begins a paragraph, or a line; right behind the mark of a list it does so anyway."""
        if not self._is_marked:
            self._lines = max(self._lines, lines)

    def mark(self, text: str) -> None:
        self.block(1)
        self.write(text)
        self._is_marked = True

    @property
    def is_at_start(self) -> bool:
        return self._lines > 0 or not self.pieces or self.pieces[-1].endswith(("\n", " "))

    def __str__(self) -> str:
        return "".join(self.pieces)


class _Writer:
    def __init__(self) -> None:
        self._text = _Text()
        """What is written so far; inside of a captured element, of that."""
        self._around: list[_Text] = []
        self._open: list[tuple[str, str]] = []
        self._lists: list[int | None] = []

    def finished(self) -> str:
        while self._open:
            self._end(self._open[-1][0])
        return str(self._text).strip()

    def start(self, tag: str, attributes: str) -> None:
        if tag == "br":
            self._text.write("\n")
        elif tag == "hr":
            self._text.block()
            self._text.write("---")
            self._text.block()
        elif tag == "img":
            self._text.write(_told(attributes))
        elif tag in _MARKS:
            self._text.write(_MARKS[tag])
        elif tag == "li":
            self._item()
        elif tag in ("ul", "ol"):
            self._text.block(1 if self._lists else 2)
            self._lists.append(1 if tag == "ol" else None)
        elif tag in _BLOCKS:
            self._text.block()
            self._text.write(f"{'#' * int(tag[1])} " if _HEADING.fullmatch(tag) else "")
        elif tag in _CAPTURED and len(self._open) < _DEEPEST:
            self._open.append((tag, _told(attributes)))
            self._around.append(self._text)
            self._text = _Text()

    def end(self, tag: str) -> None:
        if tag in _MARKS:
            self._text.write(_MARKS[tag])
        elif tag in ("ul", "ol"):
            del self._lists[-1:]
            self._text.block(1 if self._lists else 2)
        elif tag in _BLOCKS:
            self._text.block()
        elif any(tag == name for name, _ in self._open):
            while self._open[-1][0] != tag:
                self._end(self._open[-1][0])
            self._end(tag)

    def say(self, said: str) -> None:
        said = unescape(said)
        if not self._is_in("pre"):
            said = _on_one_line(said)
            said = said.lstrip(" ") if self._text.is_at_start else said
        self._text.write(said)

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        indent = "    " * min(len(self._lists) - 1, _DEEPEST)
        self._text.mark(f"{indent}- " if number is None else f"{indent}{number}. ")

    def _is_in(self, tag: str) -> bool:
        return bool(self._open) and any(tag == name for name, _ in self._open)

    def _end(self, tag: str) -> None:
        _, address = self._open.pop()
        inside, self._text = str(self._text), self._around.pop()
        if tag == "a":
            self._text.write(link(inside.strip(), address))
        elif tag == "code":
            self._text.write(inside if self._is_in("pre") else _code(inside.strip()))
        elif tag in _CELLS:
            self._text.write(f"{_cell(inside)} | ")
        elif tag == "tr":
            self._row(inside)
        else:
            self._text.block()
            self._text.write(_BLOCK_OF.get(tag, str)(inside))
            self._text.block()

    def _row(self, cells: str) -> None:
        is_first = not self._text.pieces
        self._text.block(1)
        self._text.write(f"| {cells.strip()}")
        if is_first:
            self._text.block(1)
            self._text.write(f"{'|---' * cells.count(' | ')}|")


_BLOCK_OF: dict[str, Callable[[str], str]] = {"pre": lambda code: fence(code.strip("\n")), "blockquote": quote}


def _told(attributes: str) -> str:
    """The address of a link, or what an image shows."""
    found = _ATTRIBUTE.search(attributes)
    return unescape(found[1]) if found else ""


def _on_one_line(text: str) -> str:
    """One space for whatever is blank, also at the edges: a pattern takes ten times as long for it."""
    line = " ".join(filter(None, text.split("\n")))  # between paragraphs stands more than one
    line = f"{' ' * text.startswith(_NEWLINE)}{line}{' ' * text.endswith(_NEWLINE)}"
    if line.isprintable():  # then its only blanks are spaces
        while "  " in line:
            line = line.replace("  ", " ")
        return line
    words = " ".join(text.split())
    if not words:
        return text and " "
    return f"{' ' * text[0].isspace()}{words}{' ' * text[-1].isspace()}"


def _code(inside: str) -> str:
    return f"`` {inside} ``" if "`" in inside else f"`{inside}`" if inside else ""


def _cell(inside: str) -> str:
    return " ".join(inside.split()).replace("|", "\\|")

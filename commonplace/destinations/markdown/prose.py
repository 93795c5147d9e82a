"""A message's Markdown as a vault can show it: what belongs to the message stays in it, and nothing in it acts.

Conversations are full of things that mean something else in a vault. A `#word` becomes a tag, `[[` a link to nowhere, a
forgotten fence or `<!--` swallows everything below, a picture on somebody's server tells that server who reads what.
All of them are escaped so that they look as they did in the conversation. Code, in fences and in backticks, is left
alone: what is code is decided by CommonMark's own block structure, because an escape that is not made is a way in.
ChatGPT's formulas (`\\(x\\)`, `\\[x\\]`) become `$x$` and `$$x$$`, its folded thoughts become folded callouts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING

from commonplace.destinations.markdown.blocks import NOT_A_FORMULA, parse_blocks

if TYPE_CHECKING:
    from markdown_it.token import Token

AttachmentLink = Callable[[str, str], str]
"""What to show for an attachment, from its id and the Markdown that stands for it."""

_ACTIVE_LANGUAGES = {"dataview", "dataviewjs", "tasks", "query", "js-engine", "customjs", "templater"}
_HEADING_SHIFT = 2  # speakers are second-level headings, so a message's own begin below them
_ASIDE = re.compile(r"<details><summary>(?P<title>.*?)</summary>(?P<end></details>)?$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_HARMLESS_TAG = re.compile(r"</?(?:b|i|u|s|em|strong|del|ins|sub|sup|kbd|mark|small|br)[ ]?/?>", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"\]\((?!https?:|mailto:)[A-Za-z][A-Za-z0-9+.-]*:")
_TAG_IN_FORMULA = re.compile(r"<(?=[!?/a-zA-Z])")
_TAG_IN_CODE = re.compile(r"(\n[ \t>]*)<")  # where it would end the paragraph, and the code with it
_ACTS = re.compile(r"[`~<#\\]|%%|\$\$|!\[|\[\[|\]\(|^ {0,3}(?:=+|-+)[ \t]*$", re.MULTILINE)
"""Nothing else in a text is ever rewritten, and most texts have none of it."""
_NEEDS_BLOCKS = re.compile(r"[`~\\\t]|\$\$|^ {4}|<details|^ {0,3}(?:=+|-+)[ \t]*$", re.MULTILINE)
"""Without these, no line is code, a formula or an aside, and there is no need to parse."""
_HEADING = re.compile(r"^((?:[ >]|[-+*] |\d{1,9}[.)] )*)(#{1,6})(?=[ ]|$)", re.MULTILINE)
_START = re.compile(r"[`<!\[\\$%#]")
_TOKEN = re.compile(
    r"""
      (?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    | (?P<unpaired>`+)
    | (?P<autolink><(?:https?:|mailto:)[^\s<>]*>)
    | (?P<attachment>!?\[(?:[^\[\]\\\n]|\\.|\[(?:[^\[\]\\\n]|\\.)*\])*\]\(attachment:(?P<id>[^()\s]+)\))
    | (?P<link>(?<!!)\[(?:[^\[\]\\\n<`]|\\.)*\]\([^()\s<]*\))
    | (?P<display>\\\[(?P<formula>.{1,4000}?)\\\])
    | (?P<inline>\\\([ ]*(?P<term>[^\n]{1,1000}?)[ ]*\\\))
    | (?P<dollars>\$\$.{1,4000}?\$\$)
    | (?P<escaped>\\[!-/:-@\[-`{-~])
    | (?P<picture>!(?=\[))
    | (?P<wiki>\[\[)
    | (?P<comment>%%)
    | (?P<tag>(?<![\w&/\#])\#(?=[\w/-]*[^\W\d]))
    | (?P<angle><(?=[!?/%a-zA-Z]))
    """,
    re.VERBOSE | re.DOTALL,
)


def vault_text(text: str, *, link: AttachmentLink, asides: bool = True, remote_images: bool = False) -> str:
    """The text of one message, closed in itself. `link` says what stands for an attachment."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not _ACTS.search(text):
        return text
    escape = _Escape(link, remote_images)
    if not _NEEDS_BLOCKS.search(text):
        return _HEADING.sub(lambda found: found[1] + _lower(found[2]), escape(text))
    return _Message(text, escape).render(asides=asides).strip("\n")


def callout(kind: str, title: str, body: str = "") -> str:
    """A folded box in Obsidian, a quotation elsewhere."""
    lines = [f"[!{kind}]- {' '.join(title.split())}"]
    if body.strip("\n"):
        lines += ["", *body.strip("\n").split("\n")]
    return "\n".join(f"> {line}".rstrip() for line in lines)


class _Escape:
    """Prose without code, or one block of it, with everything escaped that would act."""

    def __init__(self, link: AttachmentLink, remote_images: bool) -> None:
        self._link = link
        self._remote_images = remote_images

    def __call__(self, prose: str) -> str:
        pieces: list[str] = []
        done = at = 0
        while found := _START.search(prose, at):
            at = found.start()
            match = _TOKEN.match(prose, at)
            if match is None:
                at += 1
                continue
            replacement, length = self._token(match)
            pieces += [prose[done:at], replacement]
            done = at = at + length
        return "".join([*pieces, prose[done:]])

    def _token(self, match: re.Match[str]) -> tuple[str, int]:
        """What to write for a token, and how many characters of the text that stands for."""
        whole = match[0]
        match match.lastgroup:
            case "code":
                code = whole.replace("$=", "$\u200b=", 1) if "`$=" in whole else whole
                return _TAG_IN_CODE.sub(r"\1\\<", code), len(whole)
            case "attachment":
                return self._link(match["id"], whole), len(whole)
            case "link" if _OTHER_SCHEME.search(whole):
                return "\\[", 1
            case "display" | "inline" | "dollars" if NOT_A_FORMULA.search(whole):
                return whole[:2], 2
            case "display":
                return f"$${_formula(match['formula'].strip(' '))}$$", len(whole)
            case "inline":
                if "$" in whole:
                    return whole[:2], 2
                return f"${_formula(match['term'])}$", len(whole)
            case "dollars":
                return _formula(whole), len(whole)
            case "picture" if self._remote_images:
                return "!", 1
            case "picture" | "tag":
                return f"\\{whole}", 1
            case "wiki" | "comment":
                return f"\\{whole[0]}\\{whole[0]}", 2
            case "angle":
                before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
                harmless = re.search(r"\w", before) and _HARMLESS_TAG.match(match.string, match.start())
                return "<" if harmless else "\\<", 1
            case _:
                return whole, len(whole)


class _Message:
    """The blocks of one message. Each is rewritten where it begins; the lines it covers besides become None."""

    def __init__(self, text: str, escape: _Escape) -> None:
        self._lines = text.split("\n")
        self._out: list[str | None] = list(self._lines)
        self._safe = escape
        self._asides: dict[int, tuple[int, str]] = {}
        self._treat(parse_blocks(text))

    def render(self, *, asides: bool) -> str:
        pieces: list[str] = []
        at = 0
        while at < len(self._out):
            end, title = self._asides.get(at, (at, ""))
            if at in self._asides:
                body = _joined(self._out[at + 1 : end])
                pieces += [callout("note", title, body)] if asides else []
            elif (piece := self._out[at]) is not None:
                pieces.append(piece)
            at = end + 1
        return "\n".join(pieces)

    def _treat(self, tokens: list[Token]) -> None:
        treated = [not line.strip() for line in self._lines]
        self._find_asides(tokens)
        for number, token in enumerate(tokens):
            if token.map is None:
                continue
            start, end = token.map
            match token.type:
                case "fence" | "code_block":
                    self._code(token, start, end)
                case "table_open":
                    self._out[start:end] = [self._cells(line) for line in self._lines[start:end]]
                case "formula":
                    self._put(start, end, _display("\n".join(self._lines[start:end])))
                case "heading_open":
                    end = self._heading(token, start, end)
                case "inline":
                    if not treated[start] and start not in self._asides and tokens[number - 1].type != "heading_open":
                        self._put(start, end, self._safe("\n".join(self._lines[start:end])))
                case _:
                    continue
            treated[start:end] = [True] * (end - start)
        for number, is_treated in enumerate(treated):  # what the parser gave up on: nested too deeply
            if not is_treated:
                self._put(number, number + 1, self._safe(self._lines[number]))

    def _code(self, token: Token, start: int, end: int) -> None:
        """A fence as it is, but closed, and in no language that a plug-in would run."""
        if token.type != "fence":
            return
        language = token.info.strip().split(maxsplit=1)[:1]
        if language and language[0].strip("{}.").lower() in _ACTIVE_LANGUAGES:
            self._out[start] = self._lines[start].replace(language[0], "text", 1)
        last = self._lines[end - 1].strip()
        is_closed = end - start > 1 and len(last) >= len(token.markup) and not last.strip(token.markup[0])
        if not is_closed and token.level == 0:
            self._out[end - 1] = f"{self._out[end - 1]}\n{token.markup}"

    def _heading(self, token: Token, start: int, end: int) -> int:
        """Two levels down. A text that only happens to have a line of dashes below it was not meant as a heading."""
        text = self._safe("\n".join(self._lines[start : end if token.markup.startswith("#") else end - 1]))
        if token.markup.startswith("#"):
            self._put(start, end, text.replace(token.markup, _lower(token.markup), 1))
        elif token.level or "\n" in text:
            self._put(start, end, f"{text}\n{self._lines[end - 1]}")
        else:
            self._put(start, end, f"{text}\n\n---" if token.markup == "-" else f"### {text.strip()}")
        return end

    def _find_asides(self, tokens: list[Token]) -> None:
        """Our own folded pieces: each of the two tags is a paragraph of its own, at the top level."""
        alone = [
            token.map[0]
            for token in tokens
            if token.type == "paragraph_open" and token.level == 0 and token.map and token.map[1] - token.map[0] == 1
        ]
        opened: tuple[int, str] | None = None
        for line in alone:
            found = _ASIDE.match(self._lines[line])
            if opened is None and found:
                title = self._safe(unescape(found["title"]))
                if found["end"]:
                    self._asides[line] = (line, title)
                else:
                    opened = (line, title)
            elif opened is not None and self._lines[line] == "</details>":
                self._asides[opened[0]] = (line, opened[1])
                opened = None

    def _put(self, start: int, end: int, text: str) -> None:
        self._out[start:end] = [text, *[None] * (end - start - 1)]

    def _cells(self, line: str) -> str:
        return "|".join(map(self._safe, _CELL_BORDER.split(line)))


def _display(formula: str) -> str:
    return _formula(formula).replace("\\[", "$$", 1)[::-1].replace("]\\", "$$", 1)[::-1]


def _formula(formula: str) -> str:
    """With `0<x` written as `0< x`, which is the same to a formula and no tag to anybody else."""
    return _TAG_IN_FORMULA.sub("< ", formula)


def _lower(marks: str) -> str:
    return "#" * min(6, len(marks) + _HEADING_SHIFT)


def _joined(pieces: list[str | None]) -> str:
    return "\n".join(piece for piece in pieces if piece is not None)

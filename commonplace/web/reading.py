"""Markdown that others wrote, as HTML that is safe to show: no script, no style, nothing that loads from elsewhere.

Two fences stand one behind the other. Markdown is read without HTML and with addresses of known kinds alone, and what
is made of it passes a list of tags and attributes. An image that is somewhere else becomes a link to it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape, unescape
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

from markupsafe import Markup

from commonplace.web.colouring import coloured

LONGEST = 40_000
"""Characters of one text that are read as Markdown. The rest is a click away, as it was written."""
LONGEST_FORMULA = 2_000
MOST_FORMULAS = 400
"""Looking for the end of one takes as long as the text is."""
SCHEMES = ("https://", "http://", "mailto:")
OURS = "/files/"
ATTACHED = "attachment:"
_BOX = re.compile(r"\[([ xX])\] ")
_ASIDE = re.compile(r"<details><summary>(?P<title>[^\n]*)</summary>(?P<end></details>)?")

_NEVER = "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_NO_CHARACTERS = re.compile(f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufdd0-\\ufdef{_NEVER}]")
_MATHML = {
    *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mstyle", "mpadded", "mphantom", "menclose"),
    *("mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts"),
    *("mtable", "mtr", "mtd", "mprescripts", "none"),
}
TAGS = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "em", "strong", "s", "blockquote", "ul", "ol", "li", "a", "span", "div"),
    *("pre", "code", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
    *("details", "summary", "img"),
    *_MATHML,
}
_OF_MATH = {
    "mathvariant",
    "stretchy",
    "fence",
    "separator",
    "columnalign",
    "rowspacing",
    "columnspacing",
    "linethickness",
}
ATTRIBUTES: dict[str, set[str]] = {
    **dict.fromkeys(_MATHML, _OF_MATH),
    "math": {"display"},
    "a": {"href"},
    "ol": {"start"},
    "span": {"class"},
    "div": {"class", "tabindex"},
    "pre": {"class", "tabindex"},
    "code": {"class"},
    "figure": {"class"},
    "img": {"src", "alt", "loading"},
    "th": {"class"},
    "td": {"class"},
}
RELATION = "noopener noreferrer nofollow"


def to_html(text: str, files: Mapping[str, File] = MappingProxyType({})) -> Markup:
    """A text in Markdown, ready to stand in a page. What is longer than `LONGEST` is cut there.

    `files` are those of its own that it may show (`attachment:ID`). What our readers folded can be unfolded.
    """
    text = legible(text)
    made = _parser(has_formulas=_has_formulas(text)).render(cut(text), {"files": files})
    return Markup(_cleaner().clean(made))  # noqa: S704  (it was cleaned)


class File(NamedTuple):
    """A file of the archive that a text shows."""

    address: str
    is_picture: bool


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """What loads, loads from the archive; what leads elsewhere says so by its scheme."""
    is_ours = value.startswith(OURS)
    if attribute == "src":
        return value if is_ours else None
    if attribute == "href":
        return value if is_ours or value.lower().startswith(SCHEMES) else None
    return value


def legible(text: str) -> str:
    """A text without what is no character, and may not stand in a page in any form."""
    if text.replace("\n", "").isprintable():  # nearly always, and ten times as fast to see
        return text
    return _NO_CHARACTERS.sub("\ufffd", text)


def cut(text: str) -> str:
    """The beginning of a text, up to a line's or a word's end."""
    if len(text) <= LONGEST:
        return text
    start = text[:LONGEST]
    end = max(start.rfind("\n"), start.rfind(" "))
    return start[: end if end > LONGEST // 2 else LONGEST]


def marked(snippet: str, marks: tuple[str, str]) -> Markup:
    """A text whose parts between two marks stand out."""
    safe = escape(snippet)
    if marks[0] in snippet:
        safe = safe.replace(marks[0], "<mark>").replace(marks[1], "</mark>")
    return Markup(safe)  # noqa: S704  (it was escaped)


def _has_formulas(text: str) -> bool:
    openings = text.count("\\(") + text.count("\\[") + text.count("$")
    return 0 < openings <= 2 * MOST_FORMULAS


@cache
def _cleaner() -> Any:
    import nh3

    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes={"http", "https", "mailto"},
        link_rel=RELATION,
    )


@cache
def _parser(*, has_formulas: bool) -> Any:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    if has_formulas:
        from mdit_py_plugins.dollarmath import dollarmath_plugin
        from mdit_py_plugins.texmath import texmath_plugin

        parser.use(texmath_plugin, delimiters="brackets")
        parser.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    parser.validateLink = lambda url: url.strip().lower().startswith((*SCHEMES, ATTACHED))  # type: ignore[method-assign]
    parser.core.ruler.push("asides", _fold)
    parser.core.ruler.push("boxes", _tick)
    rules = {
        **dict.fromkeys(("math_inline",), _formula),
        **dict.fromkeys(("math_inline_double", "math_block", "math_block_label", "math_single"), _formula_block),
        **dict.fromkeys(("heading_open", "heading_close"), _heading),
        "table_open": lambda *_: '<div class="across" tabindex="0"><table>\n',
        "table_close": lambda *_: "</table></div>\n",
        **dict.fromkeys(("th_open", "td_open"), _cell),
        "image": _image,
        "link_open": _link,
        "aside_open": lambda tokens, place, *_: f"<details><summary>{escape(tokens[place].content)}</summary>\n",
        "aside_close": lambda *_: "</details>\n",
        "fence": _fence,
        "code_block": _fence,
    }
    parser.renderer.rules.update(rules)  # type: ignore[attr-defined]
    return parser


def _tick(state: Any) -> None:
    """What is to be done has a box before it, ticked or not."""
    for place, token in enumerate(state.tokens):
        if token.type == "inline" and token.children and state.tokens[place - 2].type == "list_item_open":
            first = token.children[0]
            if box := _BOX.match(first.content):
                first.content = ("☐ " if box[1] == " " else "☑ ") + first.content[box.end() :]


def _heading(tokens: Sequence[Any], place: int, *_: Any) -> str:
    """Below the headings of the page that it stands on."""
    token = tokens[place]
    level = min(6, int(token.tag[1]) + 2)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"


def _cell(tokens: Sequence[Any], place: int, *_: Any) -> str:
    side = str(tokens[place].attrGet("style") or "").rpartition(":")[2]
    return f'<{tokens[place].tag} class="{side}">' if side in ("right", "center") else f"<{tokens[place].tag}>"


def _image(tokens: Sequence[Any], place: int, _: Any, environment: Any) -> str:
    """One of the archive's is shown. Whoever looks at a page tells nobody elsewhere of it."""
    token = tokens[place]
    where = str(token.attrGet("src") or "")
    said = token.content or where
    if file := _file(where, environment):
        shown = f'<img src="{escape(file.address)}" alt="{escape(said)}" loading="lazy">'
        return f'<a href="{escape(file.address)}">{shown if file.is_picture else escape(said)}</a>'
    if not where.lower().startswith(("https://", "http://")):
        return escape(said)
    return f'<a href="{escape(where)}">🖼 {escape(said)}</a>'


def _link(tokens: Sequence[Any], place: int, _: Any, environment: Any) -> str:
    where = str(tokens[place].attrGet("href") or "")
    file = _file(where, environment)
    return f'<a href="{escape(file.address if file else where)}">'


def _file(where: str, environment: Any) -> File | None:
    found: File | None = environment["files"].get(unquote(where.removeprefix(ATTACHED)))
    return found if where.startswith(ATTACHED) else None


def _fold(state: Any) -> None:
    """What our readers folded away: `<details><summary>...</summary>`, each half in a line by itself."""
    tokens, open_ones = [], 0
    coming = iter(range(len(state.tokens)))
    for place in coming:
        said = state.tokens[place + 1].content.strip() if state.tokens[place].type == "paragraph_open" else ""
        begun = _ASIDE.fullmatch(said)
        if begun is None and not (said == "</details>" and open_ones):
            tokens.append(state.tokens[place])
            continue
        if begun:
            tokens.append(_token("aside_open", unescape(begun["title"])))
        if begun is None or begun["end"]:
            tokens.append(_token("aside_close"))
        open_ones += 0 if begun and begun["end"] else 1 if begun else -1
        next(coming)  # the line itself, and the end of its paragraph
        next(coming)
    state.tokens[:] = tokens


def _token(kind: str, content: str = "") -> Any:
    from markdown_it.token import Token

    token = Token(kind, "", 0)
    token.content = content
    return token


def _fence(tokens: Sequence[Any], place: int, *_: Any) -> str:
    token = tokens[place]
    language = (token.info or "").strip().split(" ")[0][:40]
    told = f"<figcaption>{escape(language)}</figcaption>" if language else ""
    code = f'<pre tabindex="0"><code>{coloured(token.content, language)}</code></pre>'
    return f'<figure class="code">{told}{code}</figure>\n'


def _formula(tokens: Sequence[Any], place: int, *_: Any) -> str:
    return _mathml(tokens[place].content, "inline")


def _formula_block(tokens: Sequence[Any], place: int, *_: Any) -> str:
    return f'<div class="across" tabindex="0">{_mathml(tokens[place].content, "block")}</div>\n'


def _mathml(formula: str, display: str) -> str:
    """The formula as browsers show it; as it was written, where it is none that can be read."""
    if len(formula) <= LONGEST_FORMULA:
        from latex2mathml.converter import convert

        try:
            return str(convert(formula, display=display))
        except Exception as error:  # it raises whatever its parser stumbles over
            logging.getLogger("commonplace.web").debug("a formula stays as it is: %s", type(error).__name__)
    return f'<code class="formula">{escape(formula)}</code>'

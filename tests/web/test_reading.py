"""Whatever Markdown says, what comes out holds tags, attributes and addresses from our lists, and nothing else."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.web.reading import ATTRIBUTES, LONGEST, TAGS, File, marked, to_html

PIECES = [
    *("<script>", "</script>", "<img src=x onerror=1>", "<svg/onload=1>", "<style>", "<!--", "-->", "<a href='j", "<b"),
    *(
        "[a](",
        "![a](",
        "javascript:",
        "data:text/html,",
        "vbscript:",
        "https://e.x/",
        "&#106;avascript&colon;",
        ")",
        "]",
    ),
    *(
        "`",
        "```",
        "```html\n",
        "~~~x onload=1\n",
        "\n",
        "\n\n",
        "    ",
        "> ",
        "- ",
        "1. ",
        "# ",
        "|",
        "|-|-|\n",
        "**",
        "_",
    ),
    *(
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\href{javascript:1}{x}",
        "\\text{<img src=x>}",
        "\\style{x}{y}",
        "^",
        "{",
        "}",
    ),
    *(
        "</math>",
        "<mtext>",
        "<annotation-xml encoding='text/html'>",
        "\u202e",
        "\u200b",
        "\x00",
        "\ud83d",
        "é",
        "x",
        '"',
    ),
]


class Seen(HTMLParser):
    """What a browser would build."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set()):
                self.wrong.append(f"<{tag} {name}>")
            schemes = {"href": {"http", "https", "mailto"}, "src": set()}.get(name)
            is_ours = (value or "").startswith("/files/")
            if schemes is not None and not is_ours and urlsplit(value or "").scheme not in schemes:
                self.wrong.append(f"{value!r}")


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=24).map("".join))
def test_nothing_comes_out_that_is_not_allowed(text: str) -> None:
    made = str(to_html(text, {"f": File("/files/00", True)}))
    seen = Seen()
    seen.feed(made)
    assert seen.wrong == []
    html5lib.HTMLParser(strict=True).parseFragment(made)


def test_what_people_write_is_shown_as_they_meant_it() -> None:
    made = to_html(
        "# A\n\n**b** `c`\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n\\(x^2\\) "
        "and $5, $10\n\n$$y$$\n"
    )
    for part in (
        "<h3>A</h3>",
        "<strong>b</strong>",
        '<td class="right">1</td>',
        "<msup>",
        "$5, $10",
        'display="block"',
    ):
        assert part in made
    assert '<span class="k-' in made


def test_an_image_from_elsewhere_is_a_link_to_it() -> None:
    made = to_html("![a map](https://tracker.example/p.png)")
    assert "<img" not in made
    assert 'href="https://tracker.example/p.png"' in made


def test_a_formula_that_cannot_be_read_is_shown_as_it_is() -> None:
    assert '<code class="formula">\\frac{</code>' in to_html("so $\\frac{$ it is")


@pytest.mark.parametrize("text", ["\\(" * 60_000, "[" * 60_000, "|a" * 30_000 + "\n" + "|-" * 30_000, "a" * 1_000_000])
def test_a_text_that_is_too_long_is_cut(text: str) -> None:
    assert len(to_html(text)) < 2 * LONGEST


def test_what_was_found_stands_out_and_the_rest_is_escaped() -> None:
    assert marked("<b>\ue000x\ue001</b>", ("\ue000", "\ue001")) == "&lt;b&gt;<mark>x</mark>&lt;/b&gt;"


def test_the_archives_files_are_shown_and_asides_folded() -> None:
    files = {"f 1": File("/files/ab", True), "g": File("/files/cd", False)}
    made = to_html(
        "![plan](attachment:f%201) [notes](attachment:g) [gone](attachment:x)\n\n"
        "<details><summary>Thought &lt;b&gt;</summary>\n\nso *so*\n\n</details>\n\n</details>",
        files,
    )
    assert '<img src="/files/ab" alt="plan" loading="lazy">' in made
    assert '<a href="/files/cd"' in made
    assert "attachment:" not in made
    assert "<details><summary>Thought &lt;b&gt;</summary>\n<p>so <em>so</em></p>\n</details>" in made
    assert "&lt;/details&gt;" in made  # nothing was open

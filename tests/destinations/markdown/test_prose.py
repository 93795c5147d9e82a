"""What a message says can be read in a vault, and cannot act there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from commonplace.destinations.markdown.prose import callout, vault_text


def shown(text: str, *, asides: bool = True, remote_images: bool = False) -> str:
    return vault_text(text, link=lambda id, whole: f"<<{id}>>", asides=asides, remote_images=remote_images)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain *text*, **kept**", "plain *text*, **kept**"),
        ("#todo and C# and &#39; and a #1 but #b2", "\\#todo and C# and &#39; and a #1 but \\#b2"),
        ("https://a.b/#part and `#include`", "https://a.b/#part and `#include`"),
        ("[[link]] and 100%% sure", "\\[\\[link]] and 100\\%\\% sure"),
        ("![pixel](https://evil.example/x.png)", "\\![pixel](https://evil.example/x.png)"),
        ("![a][b]\n\n[b]: https://evil.example/x.png", "\\![a][b]\n\n[b]: https://evil.example/x.png"),
        ("![[secret note]]", "\\!\\[\\[secret note]]"),
        ("<img src=x> <script>alert(1)</script>", "\\<img src=x> \\<script>alert(1)\\</script>"),
        ("text <b>bold</b><br>and <!-- hidden", "text <b>bold</b><br>and \\<!-- hidden"),
        ("<b>\nnot a block", "\\<b>\nnot a block"),
        ("<https://a.example/b> and 1 < 2", "<https://a.example/b> and 1 < 2"),
        (
            "[a](https://a.example) [b](javascript:x) [c](file:///x)",
            "[a](https://a.example) \\[b](javascript:x) \\[c](file:///x)",
        ),
        ("![pic](attachment:f1) and [file](attachment:f2)", "<<f1>> and <<f2>>"),
        ("\\(x + y\\) is \\[z^2\\]", "$x + y$ is $$z^2$$"),
        ("\\[\n- a\n= b\n\\]", "$$\n- a\n= b\n$$"),
        ("\\[ ![x](https://evil.example) \\]", "\\[ \\![x](https://evil.example) \\]"),
        ("# One\n\n###### Six", "### One\n\n###### Six"),
        ("Text\n---\nmore", "Text\n\n---\nmore"),
        ("Title\n===", "### Title"),
        ("```py\n#x ![a](b)\n", "```py\n#x ![a](b)\n```"),
        ("~~~\nopen", "~~~\nopen\n~~~"),
        ("```dataviewjs\nx\n```", "```text\nx\n```"),
        ("- a ` b\n- c ` ![](https://evil.example)", "- a ` b\n- c ` \\![](https://evil.example)"),
        ("| ` | ![](https://e.example) ` |\n|---|---|", "| ` | \\![](https://e.example) ` |\n|---|---|"),
        ("1. a\n   ```\n   <x>\n   ```\n2. <x>", "1. a\n   ```\n   <x>\n   ```\n2. \\<x>"),
        ("a\r\nb\rc\0", "a\nb\nc\ufffd"),
    ],
)
def test_it_looks_as_it_did_and_acts_no_more(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_folded_pieces_become_folded_callouts_or_go() -> None:
    text = (
        "Before\n\n<details><summary>Thoughts &amp; #plans</summary>\n\n**x**\n\n```py\n</details>\n```\n\nend\n\n"
        "</details>\n\n<details><summary>Thought for 3 s</summary></details>\n\nAfter"
    )
    assert shown(text) == (
        "Before\n\n> [!note]- Thoughts & \\#plans\n>\n> **x**\n>\n> ```py\n> </details>\n> ```\n>\n> end\n\n"
        "> [!note]- Thought for 3 s\n\nAfter"
    )
    assert shown(text, asides=False) == "Before\n\n\n\nAfter"


def test_what_only_looks_like_one_of_ours_stays_text() -> None:
    assert (
        shown("<details><summary>x</summary>\n\nnever closed") == "\\<details>\\<summary>x\\</summary>\n\nnever closed"
    )


def test_remote_pictures_are_shown_if_a_person_wants_them() -> None:
    assert shown("![a](https://a.example/x.png)", remote_images=True) == "![a](https://a.example/x.png)"


def test_a_callout_holds_everything_in_it() -> None:
    assert callout("quote", "Two\nlines", "a\n\n- b") == "> [!quote]- Two lines\n>\n> a\n>\n> - b"


_MARKS = "` `` ``` ~~~ - > 1. | [[n]] %% #tag # \\ \\[ \\] $$ word ] ( == --- *** <b> <!-- --> <img_src=x> "
_MARKS += '<div <? \\( \\) $ " > ![a][b]'
_BLOCKS = ["\n", "\n\n", "    ", "\t", " ", "\n|---|\n", "<details><summary>s</summary>\n\n", "\n\n</details>\n\n"]
_LINKS = ["![x](https://evil.example)", "\n\n[b]: https://evil.example\n\n", "[a](javascript:b)", "![a](attachment:f)"]
_PIECES = st.lists(
    st.sampled_from([*(mark.replace("_", " ") for mark in _MARKS.split()), *_BLOCKS, *_LINKS]), max_size=24
).map("".join)


@given(_PIECES)
def test_whatever_is_written_no_picture_is_loaded_and_no_html_lives(text: str) -> None:
    """CommonMark's own reading of the result has neither; a formula is text to it, and has none either."""
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(shown(text))
    assert "<img" not in rendered
    assert "<!--" not in rendered
    assert 'href="javascript' not in rendered


@given(_PIECES, _PIECES)
def test_every_message_is_closed_in_itself(text: str, other: str) -> None:
    """A heading after it is a heading, whatever was left open in it."""
    both = f"{shown(text)}\n\n## Assistant\n\n{shown(other)}"
    tokens = MarkdownIt("commonmark").enable("table").parse(both)
    speakers = [t for n, t in enumerate(tokens) if t.type == "inline" and t.content == "Assistant" and t.level == 1]
    assert len(speakers) >= 1


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    shown(text).encode()

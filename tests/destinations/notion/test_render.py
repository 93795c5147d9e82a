"""Any Markdown that a chat may hold becomes a body that Notion takes and that reads the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.tree import SyntaxTreeNode

from commonplace.destinations.notion import NotionSettings
from commonplace.destinations.notion.page.blocks import BlockDialect
from commonplace.destinations.notion.page.dialect import MarkdownDialect, blocks_of
from commonplace.destinations.notion.page.inline import is_link
from commonplace.destinations.notion.page.parse import parse
from commonplace.destinations.notion.render import body_of
from commonplace.model import Attachment, Conversation, Message
from tests.destinations.notion.world import document, document_of, message
from tests.fakes.notion.markdown import Block, Reading, plain, read
from tests.fakes.notion.rules import PAYLOAD_BYTES, check_blocks

SETTINGS = NotionSettings(token="ntn_secret")


def notions(text: str) -> str:
    return "\n\n".join(blocks_of(text))


def reading(text: str) -> Reading:
    """What Notion understands of a chat's Markdown, which must need no bending."""
    result = read(notions(text))
    assert result.warnings == []
    return result


def shown(text: str) -> str:
    return plain(reading(text).blocks)


def shape(blocks: list[Block]) -> list[Any]:
    return [(b.type, b.text, shape(b.children)) if b.children else (b.type, b.text) for b in blocks]


def visible(nodes: list[SyntaxTreeNode]) -> str:
    """The text of a parsed chat, independently of how it is written for Notion."""
    parts = []
    for node in nodes:
        if node.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif node.type == "aside":
            parts.append(f"{node.meta['summary'] or '…'}\n{visible(node.children)}\n")
        elif node.type == "image":
            parts.append(visible(node.children) if node.children else node.content)
        elif node.children:
            parts.append(visible(node.children) + ("" if node.is_nested and not node.block else "\n"))
        else:
            parts.append(node.content + ("\n" if node.block else ""))
    return "".join(parts)


def words(text: str) -> list[str]:
    """Everything that is not space, in order; what captions add and boxes show is taken out."""
    return re.sub(r"[🖼📎] ?|\[[ xX]\]", "", text).split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("paragraph", "plain")]),
        ("two\nlines", [("paragraph", "two\nlines")]),
        ("# One\n\n###### Six", [("heading_2", "One"), ("heading_4", "Six")]),
        ("```python\nx = 1\n```", [("code", "x = 1")]),
        ("~~~\n```\n~~~", [("code", "```")]),
        ("    indented", [("code", "indented")]),
        ("use `<b>` and <b> here", [("paragraph", "use <b> and <b> here")]),
        ("costs $5 and $10", [("paragraph", "costs $5 and $10")]),
        (r"so \(x_1 < y\) holds", [("paragraph", "so x_1 < y holds")]),
        ("so $x_1$ holds", [("paragraph", "so x_1 holds")]),
        ("\\[\na\n= b\n- c\n\\]", [("equation", "a\n= b\n- c")]),
        ("$$E = mc^2$$", [("equation", "E = mc^2")]),
        (
            "- a\n  - b\n    1. c",
            [("bulleted_list_item", "a", [("bulleted_list_item", "b", [("numbered_list_item", "c")])])],
        ),
        ("- [ ] open\n- [x] done", [("to_do", "open"), ("to_do", "done")]),
        ("- a\n\n  ```\n  b\n  ```", [("bulleted_list_item", "a", [("code", "b")])]),
        ("> a\n>\n> b", [("quote", "a", [("paragraph", "b")])]),
        ("| a | b |\n|---|---|\n| `x\\|y` | 2 |", [("table", "", [("table_row", "a\nb"), ("table_row", "x|y\n2")])]),
        (
            "<details><summary>Thoughts</summary>\n\nhid *den*\n\n</details>",
            [("toggle", "Thoughts", [("paragraph", "hid den")])],
        ),
        (
            "<details>\n<summary>S</summary>\n\n```\n</details>\n```\n</details>",
            [("toggle", "S", [("code", "</details>")])],
        ),
        ("![A cat](attachment:file-1)", [("paragraph", "🖼 A cat")]),
        ("[notes.pdf](attachment:file-2)", [("paragraph", "📎 notes.pdf")]),
        ("![alt](https://a.b/c.png)", [("image", "alt")]),
        ("see ![alt](https://a.b/c.png) there", [("paragraph", "see 🖼 alt there")]),
        ("[data](sandbox:/mnt/data.csv)", [("paragraph", "data (sandbox:/mnt/data.csv)")]),
        ("https://a.b/_x_*y", [("paragraph", "https://a.b/_x_*y")]),
        ("a[^1] b", [("paragraph", "a[^1] b")]),
        ("AT&amp;T &amp;lt;", [("paragraph", "AT&T &lt;")]),
        ("1986\\. A year", [("paragraph", "1986. A year")]),
        ("---", [("divider", "")]),
    ],
)
def test_chats_markdown_is_notions_blocks(text: str, expected: list[Any]) -> None:
    assert shape(reading(text).blocks) == expected


def test_code_in_a_language_that_notion_lacks_is_plain_or_its_next_of_kin() -> None:
    assert notions("```tsx\nx\n```").startswith("```typescript\n")
    assert notions("```brainfuck\nx\n```").startswith("```\n")


def test_a_formula_beyond_the_limit_is_code() -> None:
    (block,) = reading(f"$$\n{'x+' * 600}y\n$$").blocks
    assert (block.type, block.language) == ("code", "latex")


@pytest.mark.parametrize(
    "address", ["https://a.b/" + "x" * 2000, "https://[bad", "http://a%b/", "https://", "http://a.b:99999/"]
)
def test_a_link_that_notion_would_refuse_is_text(address: str) -> None:
    assert not is_link(address)
    assert address.partition("%")[0].removesuffix("[bad") in shown(f"[far]({address})")
    assert "](" not in notions(f"[far]({address})")
    (block,) = BlockDialect().text(f"[far]({address})")
    assert all(piece["text"].get("link") is None for piece in block["paragraph"]["rich_text"])


PIECES = st.sampled_from(
    [
        "word",
        "Wort",
        "слово",
        "言葉",
        "😀",
        " ",
        "  ",
        "    ",
        "\n",
        "\n\n",
        "\t",
        "*",
        "**",
        "_",
        "__",
        "`",
        "``",
        "```",
        "~~~",
        "~~",
        "#",
        "## ",
        "- ",
        "+ ",
        "1. ",
        "7) ",
        "> ",
        "|",
        "| a | b |\n|---|---|\n",
        "---",
        "===",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "</",
        "<b>",
        "<toggle>",
        "</toggle>",
        "<details>",
        "</details>",
        "<summary>s</summary>",
        "&amp;",
        "&lt;",
        "&",
        "!",
        "![a](attachment:x)",
        "[t](https://a.b/c)",
        "[f](attachment:y)",
        "https://x.y/z_1*2",
        "\\",
        "\\*",
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "$x$",
        "[ ] ",
        "- [x] ",
        "^",
        "{color=red}",
        ":smile:",
        "=",
        "a",
        "1",
    ]
)
MARKDOWN = st.lists(PIECES, max_size=30).map("".join)


@given(MARKDOWN)
@settings(max_examples=600, deadline=None)
def test_any_markdown_reads_back_with_its_text_intact(text: str) -> None:
    assert words(shown(text)) == words(visible(parse(text)))


@given(MARKDOWN.map(lambda text: re.sub(r"[`~]", "", text)))
@settings(max_examples=300, deadline=None)
def test_no_word_of_a_chat_is_lost(text: str) -> None:
    """Fences aside, where the first word is a language."""
    there = iter(re.findall(r"word|Wort|слово|言葉", notions(text)))
    assert all(word in there for word in re.findall(r"word|Wort|слово|言葉", text))


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_at_all_is_taken(text: str) -> None:
    body = body_of(document(texts=[text]), SETTINGS, MarkdownDialect())
    for part in MarkdownDialect().pack(body.blocks()):
        assert read(part).warnings == []


@given(MARKDOWN)
@settings(max_examples=300, deadline=None)
def test_blocks_are_within_the_limits_and_keep_every_word(text: str) -> None:
    dialect = BlockDialect()
    blocks = dialect.text(text)
    for part in dialect.pack(blocks):
        check_blocks(part)
    there = iter(re.findall(r"word|Wort|слово|言葉", block_text(blocks)))
    assert all(word in there for word in re.findall(r"word|Wort|слово|言葉", visible(parse(text))))


def block_text(blocks: list[dict[str, Any]]) -> str:
    texts = []
    for block in blocks:
        content = block[block["type"]]
        pieces = [*content.get("rich_text", ()), *(piece for cell in content.get("cells", ()) for piece in cell)]
        texts.append("".join(p["text"]["content"] if "text" in p else p["equation"]["expression"] for p in pieces))
        texts.append(content.get("expression", ""))
        texts.append(block_text(content.get("children", [])))
    return "\n".join(texts)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 700_000,
        "word " * 150_000,
        "```\n" + "line of code\n" * 60_000 + "```",
        "- item\n" * 5000,
        "".join(f"{'  ' * depth}- level {depth}\n" for depth in range(12)),
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 450,
        "**b** *i* `c` " * 2000,
        "😀" * 3000,
        "<details><summary>Long</summary>\n\n" + "A paragraph.\n\n" * 3000 + "</details>",
    ],
    ids=["one word", "one line", "code", "list", "deep list", "table", "styles", "wide", "aside"],
)
def test_enormous_messages_fit_in_both_ways_and_lose_nothing(text: str) -> None:
    markdown = MarkdownDialect()
    parts = markdown.pack(body_of(document(texts=[text]), SETTINGS, markdown).blocks())
    assert all(len(part.encode()) < PAYLOAD_BYTES for part in parts)
    seen = "".join(plain(read(part).blocks) for part in parts)
    blocks = BlockDialect()
    packed = blocks.pack(body_of(document(texts=[text]), SETTINGS, blocks).blocks())
    for part in packed:
        check_blocks(part)
    sent = "".join(block_text(part) for part in packed)
    for word in ("word", "code", "item", "level", "x", "😀", "paragraph"):
        count = text.count(word)
        assert seen.count(word) >= count
        assert sent.count(word) >= count


def test_few_requests_are_needed_for_long_conversations() -> None:
    markdown, blocks = MarkdownDialect(), BlockDialect()
    talk = document(texts=["A paragraph of text.\n\n" * 60] * 20)
    assert len(markdown.pack(body_of(talk, SETTINGS, markdown).blocks())) == 1
    assert len(blocks.pack(body_of(talk, SETTINGS, blocks).blocks())) == 13


def talk_with_everything() -> Conversation:
    return Conversation(
        source="chatgpt",
        external_id="all",
        messages=[
            message("What is this?", number=0, attachments=[Attachment(id="f1", kind="image", name="cat.png")]),
            message("First try.", "assistant", number=1, is_active=False),
            message("secret instructions", "system", number=2, is_hidden=True),
            message("search results", "tool", number=3, author="web.run"),
            message("<details><summary>Thought</summary>\n\nhmm\n\n</details>\n\nA cat.", "assistant", number=4),
            message("Purring.", "assistant", number=5),
        ],
    )


def test_where_several_people_speak_each_has_a_name() -> None:
    people = Conversation(
        source="omi",
        external_id="p",
        messages=[message("I'll send it.", number=0), message("Great.", number=1, author="Ana")],
    )
    body = body_of(document_of(people), NotionSettings(token="t"), MarkdownDialect())
    assert plain(read("\n\n".join(body.blocks())).blocks).split("\n")[-4:] == ["You", "I'll send it.", "Ana", "Great."]


def page_of(**changes: Any) -> str:
    body = body_of(document_of(talk_with_everything()), NotionSettings(token="t", **changes), MarkdownDialect())
    return plain(read("\n\n".join(body.blocks())).blocks)


def test_a_page_shows_who_says_what_and_names_what_it_leaves_out() -> None:
    assert page_of().split("\n") == [
        "Not on this page: 1 message of other branches; 1 image (shown as a caption).",
        "You", "What is this?", "Tool: web.run", "search results", "Assistant", "Thought", "hmm", "A cat.", "Purring.",
    ]  # fmt: skip


def test_branches_and_asides_are_options() -> None:
    with_branches = page_of(branches=True)
    assert "Another branch, 1 message\nAssistant\nFirst try." in with_branches
    assert "other branches" not in with_branches
    without = page_of(asides=False)
    assert "search results" not in without
    assert "hmm" not in without
    assert "A cat." in without


def test_old_segments_stay_when_a_conversation_goes_on() -> None:
    dialect = MarkdownDialect()
    old = body_of(document(turns=3), SETTINGS, dialect)
    new = body_of(document(turns=6), SETTINGS, dialect)
    assert new.hash(len(old.segments)) == old.hash()
    assert new.hash() != old.hash()


def test_a_message_without_text_is_no_segment() -> None:
    talk = Conversation(source="chatgpt", external_id="x", messages=[Message(id="1", role="user", text=" \n")])
    assert body_of(document_of(talk), SETTINGS, MarkdownDialect()).segments == []


@pytest.mark.parametrize("asides", [True, False])
def test_cited_sources_are_on_the_page_also_without_a_mark_in_the_text(asides: bool) -> None:
    cited = {"sources": [{"title": "A page", "url": "https://a.org"}]}
    talk = Conversation(
        source="chatgpt",
        external_id="cited",
        messages=[
            message("It was.", "assistant", number=1, is_active=False, extra=cited),
            message("So it is.", "assistant", number=2, extra=cited),
        ],
    )
    settings = NotionSettings(token="t", asides=asides, branches=True)
    body = body_of(document_of(talk), settings, MarkdownDialect())
    shown = plain(read("\n\n".join(body.blocks())).blocks).split("\n")
    assert shown == [
        "Another branch, 1 message",
        "Assistant",
        "It was.",
        "Sources:",
        "A page",
        "Assistant",
        "So it is.",
        "Sources",
        "A page",
    ]

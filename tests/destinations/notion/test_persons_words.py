"""What a person wrote on a page is theirs: it survives whatever is written there anew."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commonplace.destinations.contract import Document
from commonplace.destinations.notion.page.blocks import BlockDialect
from commonplace.destinations.notion.page.dialect import MarkdownDialect
from commonplace.destinations.notion.page.words import marks_of, pack, strange, unpack
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document
from tests.fakes.notion import FakeNotion
from tests.fakes.notion.markdown import Block, read, write

ROW = "chatgpt:talk-1"
RICH = (
    "A [link](https://example.org/a_(b)) and `code[0](x)`, *so*, a \\[literal](one) and 3 < 4 & 5 > 2.\n\n"
    "1. one\n   - [ ] two\n\n> quoted\n> twice\n\n| a | b |\n|---|---|\n| 1 | x<br>y |\n\n"
    "```python\nprint('``` [x](y)')\n\n# not a heading\n```\n\n$$\nx^2\n$$\n\n---\n\n"
    "<details><summary>Thoughts</summary>\n\nWithin.\n\n- deeper\n\n</details>\n\n## Heading\n\nlast line  \n"
    "and one more"
)


@pytest.fixture(params=["markdown", "blocks"])
def body(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def mine(notion: FakeNotion, text: str = "my own words", at: int | None = None) -> None:
    notion.write_on(notion.row(ROW).id, Block("paragraph", text), at=at)


def regenerated(document: Document, text: str = "Another answer.") -> Document:
    talk = document.conversation
    messages = [*talk.messages[:-1], msgspec.structs.replace(talk.messages[-1], text=text)]
    changed = msgspec.structs.replace(document, conversation=msgspec.structs.replace(talk, messages=messages))
    return msgspec.structs.replace(changed, input_hash=document.input_hash + text)


@pytest.mark.parametrize("at", [None, 0, 2], ids=["below", "above", "between"])
def test_words_on_a_page_survive_an_answer_that_is_regenerated(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str, at: int | None
) -> None:
    given = document(1, texts=["How?", RICH])
    open_(body=body).write([given], ledger)
    mine(notion, at=at)
    notion.write_on(notion.row(ROW).id, Block("bookmark", "a page that I like"))
    (outcome,) = open_(body=body).write([regenerated(given)], ledger)
    assert outcome.state == "updated"
    page = notion.row(ROW)
    assert page.text.count("my own words") == page.text.count("Another answer.") == 1
    assert [block.type for block in page.blocks].count("bookmark") == 1
    assert "print(" not in page.text
    assert page.text.index("Another answer.") < page.text.index("my own words")


def test_words_on_a_page_survive_force_and_nothing_is_doubled(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    given = document(1, texts=["How?", RICH])
    open_(body=body).write([given], ledger)
    before = notion.row(ROW).text
    mine(notion)
    for _ in range(2):
        open_(body=body).write([msgspec.structs.replace(given, is_forced=True)], ledger)
        assert notion.row(ROW).text == f"{before}\nmy own words"


def test_words_on_a_page_survive_another_way_of_writing_it(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    """As when a version renders otherwise; the ledger of the first versions noted no lines."""
    given = document(1, texts=["How?", "So."])
    open_(body=body).write([given], ledger)
    entry = ledger.get([ROW])[ROW]
    detail = {name: value for name, value in entry.detail.items() if name != "marks"} | {
        "body": {"hash": "", "count": 1}
    }
    ledger.done(ROW, "another version's", entry.remote_id or "", None, detail)
    mine(notion)
    open_(body=body).write([given], ledger)
    page = notion.row(ROW)
    assert page.text.count("my own words") == page.text.count("So.") == page.text.count("How?") == 1


def test_a_paragraph_that_a_person_rewrote_stays(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    given = document(1, texts=["How?", "So."])
    open_(body=body).write([given], ledger)
    notion.row(ROW).blocks[-1].text = "So, I think."
    open_(body=body).write([regenerated(given)], ledger)
    assert "So, I think." in notion.row(ROW).text
    assert "Another answer." in notion.row(ROW).text


def test_what_is_within_a_block_of_ours_keeps_it(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    given = document(1, texts=["How?", "- one\n- two"])
    open_(body=body).write([given], ledger)
    notion.row(ROW).blocks[-1].children.append(Block("paragraph", "my remark on two"))
    open_(body=body).write([regenerated(given)], ledger)
    assert notion.row(ROW).text.count("my remark on two") == 1


def test_words_on_a_page_survive_lost_answers(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    given = document(1, texts=["How?", "So."])
    open_(body=body).write([given], ledger)
    mine(notion)
    page_id = notion.row(ROW).id
    on = f"PATCH pages/{page_id}/markdown" if body == "markdown" else f"PATCH blocks/{page_id}/children"
    notion.fail_next("drop", on=on, committed=True)
    open_(body=body).write([regenerated(given)], ledger)
    page = notion.row(ROW)
    assert page.text.count("Another answer.") == page.text.count("my own words") == 1
    assert "So." not in page.text


def test_a_page_with_a_persons_words_is_not_removed(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    open_(body=body).write([document(1), document(2)], ledger)
    mine(notion)
    outcomes = open_(body=body).remove([ROW, "chatgpt:talk-2"], ledger)
    assert [outcome.state for outcome in outcomes] == ["conflict", "removed"]
    assert notion.row(ROW).text.endswith("my own words")


def test_a_page_without_them_is_read_once_and_replaced_at_once(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    given = document(1, texts=["How?", RICH])
    open_().write([given], ledger)
    before = notion.count()
    open_().write([regenerated(given)], ledger)
    assert notion.count() - before <= 4  # the schema, the reading, the body, the properties
    assert notion.count("DELETE") == 0


def test_blocks_of_a_page_without_them_are_listed_once(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    given = document(1, texts=["How?", "So."])
    open_(body="blocks").write([given], ledger)
    before = notion.count()
    (outcome,) = open_(body="blocks").write([regenerated(given)], ledger)
    assert outcome.state == "updated"
    assert notion.count(f"GET blocks/{notion.row(ROW).id}/children") == 1
    assert notion.count() - before <= 5  # the schema, the listing, the clearing, the body, the properties


@pytest.mark.parametrize("text", ["!!!", "👍", "---x", "<hello>", "[x]", "> ", "1.", "你好"])
def test_short_words_of_a_person_are_words(text: str) -> None:
    assert strange([text], marks_of(["other"])) == (text != "> ")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*RICH.split("\n\n"), "plain", "a_b *c* \\d", "1. x", "# y", "![z](https://x.org/z)"])))
@example([*["<details><summary>Thoughts</summary>"] * 2, "1. one\n   - [ ] two", *["</details>"] * 2])
def test_notions_spelling_of_what_we_wrote_is_ours(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    markdown, blocks = MarkdownDialect(), BlockDialect()
    ours = marks_of(line for block in markdown.text(text) for line in markdown.lines(block))
    assert not strange(write(read("\n\n".join(markdown.text(text))).blocks).split("\n"), ours.copy())
    assert not strange((line for block in blocks.text(text) for line in blocks.lines(block)), ours.copy())
    assert unpack(pack(ours)) == ours

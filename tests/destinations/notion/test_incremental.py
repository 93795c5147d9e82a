"""Only what changed is sent, in as few requests as there can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from commonplace.destinations.notion import schema
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, document, edits_of
from tests.fakes.notion import FakeNotion


@pytest.fixture(params=["markdown", "blocks"])
def body(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def sent(notion: FakeNotion, since: int) -> list[str]:
    """Requests after the first `since`, without ids."""
    return [
        " ".join([request.method, *(part for part in request.path.split("/") if len(part) < 30)])
        for request in notion.requests[since:]
    ]


def test_a_first_sync_is_one_request_each_and_three_more(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    open_().write([document(n) for n in range(30)], ledger)
    assert notion.count("POST pages") == 30
    assert notion.count() == 32  # the schema and one look at the rows


def test_nothing_changed_is_no_request(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    documents = [document(n) for n in range(5)]
    open_(body=body).write(documents, ledger)
    before = notion.count()
    assert {outcome.state for outcome in open_(body=body).write(documents, ledger)} == {"unchanged"}
    assert notion.count() == before


def test_inputs_that_render_alike_are_no_request(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    destination = open_()
    destination.write([document(1)], ledger)
    before = notion.count()
    alike = document(1, confidence=0.9)
    assert [outcome.state for outcome in destination.write([alike], ledger)] == ["unchanged"]
    assert ledger.get(["chatgpt:talk-1"])["chatgpt:talk-1"].input_hash == alike.input_hash
    assert notion.count() == before


def test_a_property_is_one_request(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    destination = open_(body=body)
    destination.write([document(1)], ledger)
    before = notion.count()
    destination.write([document(1, summary="Another word on it.")], ledger)
    assert sent(notion, before) == ["PATCH pages"]
    assert notion.rows()[0].value("Analysis") == "Another word on it."


def test_a_persons_field_is_one_request_after_a_pull(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    destination = open_()
    destination.write([document(n) for n in range(4)], ledger)
    assert edits_of(destination, ledger) == []
    before = notion.count()
    destination.write([document(n, category="Cooking") for n in range(4)], ledger)
    assert sent(notion, before) == ["PATCH pages"] * 4


def test_new_turns_are_appended(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    destination = open_(body=body)
    destination.write([document(1)], ledger)
    page = notion.rows()[0]
    page.blocks[0].text = "a person's mark"
    before = notion.count()
    destination.write([document(1, turns=4)], ledger)
    assert len(sent(notion, before)) == 2
    assert page.text.startswith("a person's mark")
    assert page.text.endswith("Turn 2 of talk 1.\nAssistant\nTurn 3 of talk 1.")


def test_a_rewritten_turn_replaces_the_body(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    destination = open_(body=body)
    destination.write([document(1, turns=3)], ledger)
    before = notion.count()
    destination.write([document(1, texts=["Turn 0 of talk 1.", "Said anew."])], ledger)
    assert len(sent(notion, before)) == (3 if body == "markdown" else 4)
    assert notion.rows()[0].text == "You\nTurn 0 of talk 1.\nAssistant\nSaid anew."


@pytest.mark.parametrize("size", [1_000_000, 1_400_000])
def test_a_body_over_the_payload_limit_goes_on_in_further_requests(
    notion: FakeNotion, open_: Open, ledger: FileLedger, size: int
) -> None:
    texts = [("word " * 2000).strip() for _ in range(size // 10_000)]
    destination = open_()
    (outcome,) = destination.write([document(1, texts=texts)], ledger)
    assert outcome.state == "created"
    assert notion.count("PATCH pages") == -(-size // 450_000) - 1
    assert notion.rows()[0].text.count("word") == 2000 * len(texts)
    before = notion.count()
    destination.write([document(1, texts=[*texts, "One more."])], ledger)
    assert len(sent(notion, before)) == 2
    assert notion.rows()[0].text.count("word") == 2000 * len(texts)


@pytest.mark.parametrize("committed", [False, True])
def test_a_continuation_that_is_not_answered_is_neither_missing_nor_double(
    notion: FakeNotion, open_: Open, ledger: FileLedger, committed: bool, body: str
) -> None:
    texts = [("word " * 2000).strip() for _ in range(100)]
    notion.fail_next("drop", on="PATCH", committed=committed)
    open_(body=body).write([document(1, texts=texts)], ledger)
    assert notion.rows()[0].text.count("word") == 2000 * len(texts)
    assert len(notion.rows()) == 1


def test_a_lost_ledger_adopts_what_is_there(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    documents = [document(n) for n in range(120)]
    open_().write(documents, ledger)
    before = notion.count()
    changed = [document(0, summary="New."), document(1, turns=3), *documents[2:], document(200)]
    outcomes = open_().write(changed, FileLedger())
    assert len(notion.rows()) == 121
    states = [outcome.state for outcome in outcomes]
    assert (states.count("unchanged"), states.count("updated"), states.count("created")) == (118, 2, 1)
    kinds = sent(notion, before)
    assert kinds.count("POST data_sources query") == 2
    assert kinds.count("POST pages") == 1
    assert len(kinds) == 2 + 1 + 1 + 2


def test_a_ledger_from_a_backup_is_noticed(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    open_().write([document(1)], ledger)
    newer = FileLedger()
    open_().write([document(1), document(2)], newer)
    outcomes = open_().write([document(1), document(2), document(3)], ledger)
    assert sorted(outcome.state for outcome in outcomes) == ["created", "unchanged", "unchanged"]
    assert len(notion.rows()) == 3


def test_rows_of_another_tool_are_adopted_beyond_the_limit_of_a_query(open_: Open, ledger: FileLedger) -> None:
    with FakeNotion(per_window=100_000, query_cap=250) as notion:
        source = notion.add_database()
        start = datetime(2026, 1, 1, tzinfo=UTC)
        for n in range(600):
            values = {"Name": "Theirs", "Conversation ID": f"chatgpt:talk-{n}"}
            notion.add_row(source, values, created=start + timedelta(minutes=n // 7))
        destination = open_(
            data_source_id=None, database_id=notion.database_of(source), token=notion.token, base_url=notion.base_url
        )
        outcomes = destination.write([document(n) for n in (0, 249, 251, 599, 600)], ledger)
        assert sorted(outcome.state for outcome in outcomes) == ["conflict"] * 4 + ["created"]
        assert len(notion.rows()) == 601
        row = notion.row("chatgpt:talk-599")
        assert (row.title, row.value("Category")) == ("Theirs", "Coding")  # what is there is theirs, the rest is filled
        assert "Turn 1 of talk 599." in notion.row("chatgpt:talk-599").text


def test_what_is_forced_is_made_whole(notion: FakeNotion, open_: Open, ledger: FileLedger, body: str) -> None:
    destination = open_(body=body)
    destination.write([document(1), document(2), document(3)], ledger)
    damaged, trashed, edited = (notion.row(f"chatgpt:talk-{n}") for n in (1, 2, 3))
    whole, damaged.blocks = damaged.text, damaged.blocks[:1]
    notion.trash(trashed.id)
    notion.pass_time(5)
    notion.edit(edited.id, Category="Mine")
    forced = [document(n, is_forced=True) for n in (1, 2, 3)]
    states = {outcome.conversation_id[-1]: outcome.state for outcome in destination.write(forced, ledger)}
    assert states == {"1": "updated", "2": "created", "3": "conflict"}
    assert damaged.text == whole
    assert edited.value("Category") == "Mine"
    assert len(notion.rows()) == 3


def test_a_name_that_is_mapped_anew_is_filled_and_nobodys_edit(
    notion: FakeNotion, source: str, open_: Open, ledger: FileLedger
) -> None:
    open_().write([document(1)], ledger)
    notion.define(notion.sources[source], {"Kind": {"select": {}}, "Words on it": {"rich_text": {}}})
    names = {"Category": "Kind", "Analysis": "Words on it", "Model": ""}
    schema.forget(open_().client, source)
    destination = open_(property_names=names)
    assert edits_of(destination, ledger) == []
    renamed = msgspec.structs.replace(document(1), input_hash="mapped")
    assert [outcome.state for outcome in destination.write([renamed], ledger)] == ["updated"]
    page = notion.rows()[0]
    assert (page.value("Kind"), page.value("Words on it"), page.value("Category")) == ("Coding", "A talk.", "Coding")
    notion.pass_time(5)
    notion.edit(page.id, Kind="Cooking")
    found = edits_of(open_(property_names=names), ledger)
    assert [(edit.field, edit.value) for edit in found] == [("category", "Cooking")]


def test_an_estimate_is_in_words(open_: Open) -> None:
    destination = open_(requests_per_minute=180)
    files = ", and two for each file that is not there yet"
    assert destination.estimate(10, 10) == f"10 requests to Notion, under a minute{files}"
    assert destination.estimate(0, 1000) == f"1000 to 2000 requests to Notion, about 12 minutes{files}"
    assert open_(upload_megabytes=0).estimate(10, 10) == "10 requests to Notion, under a minute"

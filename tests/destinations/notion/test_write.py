"""Every conversation is one page, whatever goes wrong between us and Notion."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from commonplace.destinations.notion import NotionDestination, open_notion
from commonplace.errors import Halt, Retryable
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import FileLedger, NoWaiting, document, edits_of, settings_for
from tests.fakes.notion import FakeNotion

FAULTS = [
    ("timeout", False),
    ("timeout", True),
    ("drop", False),
    ("drop", True),
    ("503", False),
    ("503", True),
    ("committed_503", True),
    ("500", False),
    ("504", True),
    ("502", False),
    ("502", True),
    ("409", False),
    ("429", False),
    ("529", False),
]


@pytest.mark.parametrize(("kind", "committed"), FAULTS)
def test_a_creation_that_goes_wrong_leaves_one_page(
    notion: FakeNotion, open_: Open, ledger: FileLedger, kind: str, committed: bool
) -> None:
    notion.fail_next(kind, on="POST pages", committed=committed, retry_after=0.05)
    outcomes = open_(timeout_seconds=0.3).write([document(n) for n in range(3)], ledger)
    assert [outcome.state for outcome in outcomes] == ["created"] * 3
    assert len(notion.rows()) == 3
    assert ledger.states() == ["done"] * 3
    assert {o.remote_id for o in outcomes} == {page.id for page in notion.rows()}


@pytest.mark.parametrize(("kind", "committed"), FAULTS)
@pytest.mark.parametrize("on", ["PATCH pages", "PATCH pages/.../markdown"])
def test_an_update_that_goes_wrong_leaves_the_page_right(
    notion: FakeNotion, open_: Open, ledger: FileLedger, kind: str, committed: bool, on: str
) -> None:
    destination = open_(timeout_seconds=0.3)
    destination.write([document(1)], ledger)
    page = notion.rows()[0]
    notion.fail_next(kind, on=on.replace("...", page.id), committed=committed, retry_after=0.05)
    outcomes = destination.write([document(1, turns=4, tags=["new"])], ledger)
    assert [outcome.state for outcome in outcomes] == ["updated"]
    assert page.text.split("\n")[1::2] == [f"Turn {turn} of talk 1." for turn in range(4)]
    assert page.value("Tags") == ["new"]


def test_a_503_that_names_its_page_needs_no_look_up(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    notion.fail_next("committed_503", on="POST pages", committed=True)
    open_().write([document(1)], ledger)
    assert notion.count("POST pages") == 1
    assert notion.count("POST data_sources") == 1  # the index


def test_an_unanswered_creation_is_repeated_after_two_looks(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    notion.fail_next("drop", on="POST pages")
    open_().write([document(1)], ledger)
    asked = [f"{request.method} {request.path.split('/')[-1]}" for request in notion.requests[2:]]
    assert asked == ["POST pages", "POST query", "POST query", "POST pages"]


def test_what_stays_unanswered_is_uncertain_and_settled_by_the_next_run(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    notion.fail_next("drop", on="POST pages", times=3)
    outcomes = open_().write([document(1), document(2)], ledger)
    assert sorted(outcome.state for outcome in outcomes) in (["created", "uncertain"], ["created", "created"])
    outcomes = open_().write([document(1), document(2)], ledger)
    assert {outcome.state for outcome in outcomes} <= {"created", "unchanged"}
    assert len(notion.rows()) == 2


def test_a_late_commit_is_found_by_the_next_run(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    ledger.intend("chatgpt:talk-1", document(1).input_hash, {"step": "create"})
    other = FileLedger()
    open_().write([document(1)], other)
    outcomes = open_().write([document(1)], ledger)
    assert [outcome.state for outcome in outcomes] == ["unchanged"]  # adopted as it is
    assert len(notion.rows()) == 1


def test_a_rejected_conversation_fails_alone_with_notions_words(
    notion: FakeNotion, open_: Open, ledger: FileLedger
) -> None:
    notion.fail_next("400", on="POST pages")
    outcomes = open_().write([document(n) for n in range(3)], ledger)
    assert sorted(outcome.state for outcome in outcomes) == ["created", "created", "failed"]
    (failed,) = [outcome for outcome in outcomes if outcome.state == "failed"]
    assert failed.reason == "Notion rejects it: body failed validation: body.properties.Tags should be an array."
    outcomes = open_().write([document(n) for n in range(3)], ledger)
    assert sorted(outcome.state for outcome in outcomes) == ["created", "unchanged", "unchanged"]


def test_rejected_values_stay_out_of_messages(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    notion.fail_next("400", on="POST pages", reason='Tags should be an array, instead was `"my private words"`.')
    (outcome,) = open_().write([document(1)], ledger)
    assert outcome.reason is not None
    assert "private" not in outcome.reason
    assert "Tags should be an array" in outcome.reason


@pytest.mark.parametrize(
    ("kind", "says"), [("401", "Make a new one"), ("403", "Share the page"), ("block_limit", "personal access token")]
)
def test_being_locked_out_stops_the_run_and_says_what_to_do(
    notion: FakeNotion, open_: Open, ledger: FileLedger, kind: str, says: str
) -> None:
    notion.fail_next(kind, on="POST pages", times=40)
    with pytest.raises(Halt, match=says) as caught:
        open_().write([document(n) for n in range(40)], ledger)
    assert notion.token not in str(caught.value)
    assert notion.count("POST pages") < 40
    notion.fail_next("", times=0)


def test_a_blocked_connection_stops_the_run(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    notion.fail_next("429", on="POST pages", reason="public_api_request_blocked", retry_after=0.01)
    with pytest.raises(Halt, match="blocked"):
        open_().write([document(1)], ledger)


def test_a_pause_longer_than_we_wait_puts_the_run_off(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    notion.fail_next("429", on="POST pages", retry_after=3600, reason="public_api_space_request_rate_limit")
    with pytest.raises(Retryable) as caught:
        open_().write([document(1)], ledger)
    assert caught.value.retry_after == 3600
    assert notion.rows() == []


def test_a_long_outage_is_retryable_and_loses_nothing(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    destination = open_(clock=NoWaiting())
    destination.write([document(1)], ledger)
    notion.fail_next("502", on="PATCH pages", times=6)
    with pytest.raises(Retryable):
        destination.write([document(1, tags=["other"]), document(2)], ledger)
    outcomes = open_().write([document(1, tags=["other"]), document(2)], ledger)
    assert {outcome.state for outcome in outcomes} == {"updated", "created"} or "unchanged" in {
        outcome.state for outcome in outcomes
    }
    assert notion.row("chatgpt:talk-1").value("Tags") == ["other"]


def test_two_runs_at_once_in_one_process_make_one_page_each(notion: FakeNotion, source: str, ledger_file: str) -> None:
    documents = [document(n) for n in range(12)]

    def run(_: int) -> None:
        destination = open_notion(settings_for(notion, source))
        destination.write(documents, FileLedger(ledger_file))
        destination.close()

    notion.latency = 0.01
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, range(2)))
    assert len(notion.rows()) == 12


@pytest.fixture
def ledger_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("ledger") / "ledger.db")
    FileLedger(path)
    return path


@pytest.mark.parametrize("how", ["trash", "delete"])
def test_a_page_that_a_person_removed_is_made_again(
    notion: FakeNotion, open_: Open, ledger: FileLedger, how: str
) -> None:
    destination = open_()
    destination.write([document(1)], ledger)
    old = notion.rows()[0].id
    getattr(notion, how)(old)
    outcomes = destination.write([document(1, turns=3)], ledger)
    assert [outcome.state for outcome in outcomes] == ["created"]
    assert [page.id for page in notion.rows()] == [outcomes[0].remote_id] != [old]


@pytest.mark.parametrize("how", ["trash", "delete"])
def test_or_let_be_if_the_settings_say_so(notion: FakeNotion, open_: Open, ledger: FileLedger, how: str) -> None:
    destination = open_(on_deleted="skip")
    destination.write([document(1)], ledger)
    getattr(notion, how)(notion.rows()[0].id)
    before = notion.count()
    assert [o.state for o in destination.write([document(1, turns=3)], ledger)] == ["skipped"]
    sent = notion.count() - before
    assert [o.state for o in destination.write([document(1, turns=3)], ledger)] == ["unchanged"]
    assert notion.count() - before == sent
    assert notion.rows() == []


def test_a_page_that_a_person_moved_elsewhere_goes_on_there_and_comes_back_whole(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    open_().write([document(n) for n in range(3)], ledger)
    moved = notion.row("chatgpt:talk-0")
    home = moved.parent
    notion.move(moved.id, {"type": "page_id", "page_id": notion.add_page(notion.parent_page_id, "Mine").id})
    changed = [document(n, turns=3, category="Cooking") for n in range(3)]
    states = {outcome.conversation_id: outcome for outcome in open_().write(changed, ledger)}
    assert [states[f"chatgpt:talk-{n}"].state for n in range(3)] == ["conflict", "updated", "updated"]
    assert "moved the page out of the database" in str(states["chatgpt:talk-0"].reason)
    assert "Turn 2 of talk 0." in moved.text
    assert len(notion.rows()) == 2
    notion.move(moved.id, home)
    assert edits_of(open_(), ledger) == []
    assert [outcome.state for outcome in open_().write([document(0, turns=4)], ledger)] == ["updated"]
    assert (moved.value("Category"), moved.value("Conversation ID")) == ("Coding", "chatgpt:talk-0")


def test_a_database_in_the_trash_is_not_written_to(
    notion: FakeNotion, open_: Open, source: str, ledger: FileLedger
) -> None:
    notion.sources[source].in_trash = True
    with pytest.raises(Halt, match="in the trash"):
        open_().write([document(1)], ledger)


def test_a_database_that_is_gone_stops_the_run(
    notion: FakeNotion, source: str, open_: Open, ledger: FileLedger
) -> None:
    destination = open_()
    destination.write([document(1)], ledger)
    notion.delete(notion.rows()[0].id)
    del notion.sources[source]
    with pytest.raises(Halt, match="Share it with the connection"):
        destination.write([document(1, turns=3)], ledger)


def test_a_body_with_pages_inside_is_left_as_it_is(
    notion: FakeNotion, destination: NotionDestination, ledger: FileLedger
) -> None:
    from tests.fakes.notion.markdown import Block

    destination.write([document(1)], ledger)
    page = notion.rows()[0]
    page.blocks.append(Block("child_page", "Mine"))
    (outcome,) = destination.write([document(1, texts=["Rewritten.", "All of it."])], ledger)
    assert outcome.state == "conflict"
    assert "Mine" in page.text
    assert [o.state for o in destination.write([document(1, texts=["Rewritten.", "All of it."])], ledger)] == [
        "unchanged"
    ]


def test_an_interruption_lets_all_threads_go(notion: FakeNotion, open_: Open) -> None:
    class Interrupting(FileLedger):
        def done(self, *args: object, **options: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_().write([document(n) for n in range(20)], Interrupting())


def test_after_an_interruption_what_is_in_flight_is_noted_and_what_hangs_is_let_go(
    notion: FakeNotion, open_: Open
) -> None:
    """Without an end to what hangs this would not end either."""
    is_interrupted = threading.Event()

    class Interrupted(FileLedger):
        def done(self, *args: Any, **options: Any) -> None:
            super().done(*args, **options)
            if not is_interrupted.is_set():
                is_interrupted.set()
                raise KeyboardInterrupt

    def all_are_sent() -> None:
        while notion.count("POST pages") < 3:
            is_interrupted.wait(0.005)

    notion.faults.hang_seconds = 3600.0
    notion.fail_next("429", on="POST pages", about="Talk 1", retry_after=0.01, call=all_are_sent)
    notion.fail_next("timeout", on="POST pages", about="Talk 2")
    notion.fail_next("committed_503", on="POST pages", about="Talk 3", committed=True, call=is_interrupted.wait)
    ledger, talks = Interrupted(), [document(n) for n in (1, 2, 3)]
    with pytest.raises(KeyboardInterrupt):
        open_(timeout_seconds=3600.0).write(talks, ledger)
    assert ledger.states() == ["done", "intent", "done"]
    assert {outcome.state for outcome in open_().write(talks, ledger)} == {"unchanged", "created"}
    assert len(notion.rows()) == 3


@pytest.mark.parametrize("body", ["markdown", "blocks"])
def test_what_is_too_large_for_one_request_is_cut_and_written_whole(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    notion.payload_bytes = 200_000
    texts = [f"Turn {turn}. " + "word " * 5_000 for turn in range(12)]
    (outcome,) = open_(body=body).write([document(1, texts=texts)], ledger)
    assert outcome.state == "created"
    (row,) = notion.rows()
    whole = "\n".join([row.text, *(page.text for page in notion.inside(row.id))])
    assert all(f"Turn {turn}. word" in whole for turn in range(12))
    assert [o.state for o in open_(body=body).write([document(1, texts=texts)], ledger)] == ["unchanged"]


def test_a_long_pause_says_until_when(notion: FakeNotion, open_: Open, ledger: FileLedger) -> None:
    notion.fail_next("429", on="POST pages", retry_after=7200)
    with pytest.raises(Retryable, match=r"run the sync again after 20\d\d-\d\d-\d\d \d\d:\d\d") as caught:
        open_().write([document(1)], ledger)
    assert caught.value.retry_after == 7200


@pytest.mark.parametrize("body", ["markdown", "blocks"])
@pytest.mark.parametrize("nest", [lambda n: "> " * n, lambda n: "  " * n + "- "], ids=["quotes", "lists"])
def test_what_is_nested_very_deeply_loses_no_word(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str, nest: Callable[[int], str]
) -> None:
    text = "\n".join(f"{nest(level)}word{level}." for level in range(1, 66))
    open_(body=body).write([document(1, texts=["Before.", text, "After."])], ledger)
    shown = notion.rows()[0].text
    assert [level for level in range(1, 66) if f"word{level}." not in shown] == []
    assert shown.index("Before.") < shown.index("word1.") < shown.index("After.")

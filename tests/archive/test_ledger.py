"""The ledger: what each state keeps, and what it forgets."""

from __future__ import annotations

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.opening import open_archive
from commonplace.destinations.contract import Ledger
from commonplace.model import LedgerItem


def _state(ledger: ArchiveLedger, id: str = "chatgpt:1") -> tuple[object, ...]:
    entry = ledger.get([id])[id]
    return entry.state, entry.input_hash, entry.remote_id, entry.detail, entry.reason, entry.attempts


def test_it_is_a_ledger_as_destinations_know_it(archive: Archive) -> None:
    ledger: Ledger = ArchiveLedger(archive, "fake:1")
    assert ledger.get(["chatgpt:1"]) == {}
    assert list(ledger.remote_ids()) == []


def test_a_write_that_works_leaves_the_remote_id(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    ledger.intend("chatgpt:1", "h1", {"title": "x"})
    assert _state(ledger) == ("intent", "h1", None, {"title": "x"}, None, 1)
    ledger.done("chatgpt:1", "h1", "page-1", "https://example.org/1", {"blocks": 3})
    assert _state(ledger) == ("done", "h1", "page-1", {"blocks": 3}, None, 0)
    assert ledger.get(["chatgpt:1"])["chatgpt:1"].remote_url == "https://example.org/1"


def test_an_update_that_fails_keeps_what_is_known_of_the_page(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    ledger.done("chatgpt:1", "h1", "page-1", None, {"blocks": 3})
    ledger.intend("chatgpt:1", "h2")
    ledger.uncertain("chatgpt:1", "h2", "timeout")
    assert _state(ledger) == ("uncertain", "h2", "page-1", {"blocks": 3}, "timeout", 1)
    ledger.intend("chatgpt:1", "h2")
    ledger.fail("chatgpt:1", "h2", "too large")
    assert _state(ledger) == ("failed", "h2", "page-1", {"blocks": 3}, "too large", 2)
    ledger.intend("chatgpt:1", "h3")
    assert _state(ledger) == ("intent", "h3", "page-1", {"blocks": 3}, None, 1)
    ledger.conflict("chatgpt:1", "h3", "edited there", {"blocks": 4})
    assert _state(ledger) == ("conflict", "h3", "page-1", {"blocks": 4}, "edited there", 1)


def test_what_is_written_is_there_for_the_next_process(archive: Archive, archive_url: str) -> None:
    ArchiveLedger(archive, "fake:1").intend("chatgpt:1", "h1")
    with open_archive(archive_url) as other:
        assert ArchiveLedger(other, "fake:1").get(["chatgpt:1"])["chatgpt:1"].state == "intent"


def test_owners_and_instances_do_not_see_each_other(archive: Archive) -> None:
    ArchiveLedger(archive, "fake:1").done("chatgpt:1", "h1", "page-1")
    assert ArchiveLedger(archive, "fake:2").get(["chatgpt:1"]) == {}
    assert ArchiveLedger(archive.of("you"), "fake:1").get(["chatgpt:1"]) == {}


def test_many_entries_are_read_page_by_page(sqlite_archive: Archive) -> None:
    ledger = ArchiveLedger(sqlite_archive, "fake:1")
    ids = [f"chatgpt:{number:04}" for number in range(1203)]
    for id in ids:
        ledger.done(id, "h", f"page {id}")
    ledger.fail("chatgpt:never", "h", "too large")
    assert sorted(ledger.get(iter([*ids, "chatgpt:never", "chatgpt:unknown"]))) == sorted([*ids, "chatgpt:never"])
    assert [(id, entry.remote_id) for id, entry in ledger.remote_ids()] == [(id, f"page {id}") for id in ids]
    assert ledger.counts() == {"done": 1203, "failed": 1}


def test_what_is_in_a_state_is_listed_by_key(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    ledger.queue("chatgpt:2", "h", {"title": "x"})
    ledger.queue("chatgpt:1", "h")
    ledger.fail("chatgpt:3", "h", "too large")
    ledger.done("chatgpt:4", "h", "page-4")
    assert [(key, entry.detail) for key, entry in ledger.in_state("queued")] == [
        ("chatgpt:1", {}), ("chatgpt:2", {"title": "x"}),
    ]  # fmt: skip
    assert [key for key, _ in ledger.in_state("queued", "failed")] == ["chatgpt:1", "chatgpt:2", "chatgpt:3"]


def test_what_a_run_left_unanswered_is_uncertain_until_a_person_decides(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    for id in "123":
        ledger.intend(f"chatgpt:{id}", "h1", {"title": id})
    ledger.done("chatgpt:4", "h1", "page-4")
    ArchiveLedger(archive, "fake:2").intend("chatgpt:1", "h1")
    assert (ledger.settle(), ledger.settle()) == (3, 0)
    assert _state(ledger) == ("uncertain", "h1", None, {"title": "1"}, "The run ended before an answer came.", 1)
    assert ledger.accept(["chatgpt:1", "chatgpt:4", "chatgpt:unknown"]) == ["chatgpt:1"]
    assert _state(ledger)[:2] == ("done", "h1")
    assert ledger.resend(["chatgpt:2", "chatgpt:4", "chatgpt:unknown"]) == ["chatgpt:2", "chatgpt:4"]
    assert _state(ledger, "chatgpt:2")[:2] == ("failed", "")
    assert _state(ledger, "chatgpt:4")[:3] == ("failed", "", "page-4")
    assert ArchiveLedger(archive, "fake:2").get(["chatgpt:1"])["chatgpt:1"].state == "intent"


def test_parts_of_a_conversation_are_kept_in_their_order(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    items = [LedgerItem(id=f"m{n}", input_hash=f"h{n}", remote_id=f"r{n}") for n in range(12)]
    ledger.add_items("chatgpt:1", items[:5])
    ledger.add_items("chatgpt:1", [])
    ledger.add_items("chatgpt:2", items[:1])
    ledger.drop_items("chatgpt:1", ["m3", "m4", "unknown"])
    ledger.add_items("chatgpt:1", items[5:])
    assert [item.id for item in ledger.items("chatgpt:1")] == ["m0", "m1", "m2", *(f"m{n}" for n in range(5, 12))]
    assert ledger.items("chatgpt:1")[-1] == items[-1]
    assert ArchiveLedger(archive.of("you"), "fake:1").items("chatgpt:1") == []


def test_what_is_remembered_is_of_one_owner_and_instance(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    assert ledger.recall("columns") is None
    ledger.remember("columns", "one")
    ledger.remember("columns", "two")
    assert ledger.recall("columns") == "two"
    assert ArchiveLedger(archive, "fake:2").recall("columns") is None
    assert ArchiveLedger(archive.of("you"), "fake:1").recall("columns") is None


def test_what_was_removed_leaves_nothing(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    assert ledger.is_empty()
    ledger.done("chatgpt:1", "h", "page-1")
    ledger.add_items("chatgpt:1", [LedgerItem(id="m", input_hash="h", remote_id="r")])
    assert not ledger.is_empty()
    ledger.removed("chatgpt:1")
    assert ledger.is_empty()
    assert ledger.items("chatgpt:1") == []


def test_an_archive_has_a_mark_and_may_take_the_place_of_others(archive: Archive) -> None:
    ledger = ArchiveLedger(archive, "fake:1")
    (mark,) = ledger.archives()
    ledger.adopt(["0000beef"])
    ledger.adopt(["0000cafe", "0000beef"])
    assert ArchiveLedger(archive, "fake:1").archives() == [mark, "0000beef", "0000cafe"]
    assert ArchiveLedger(archive, "fake:2").archives() == [mark]

"""What is written to OpenAI: in order, twenty at a time, once, whatever fails; and what is left alone."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.openai.destination import WRITERS, shells_of
from commonplace.errors import Halt, Retryable
from commonplace.model import Attachment, Message
from tests.destinations.contract_suite import ids, write
from tests.destinations.documents import document
from tests.destinations.openai.world import OpenAIWorld
from tests.fakes.conversations import Failure, FakeConversations

ID = "chatgpt:1"


def live(world: OpenAIWorld, archive: Archive) -> str:
    return str(ArchiveLedger(archive, world.open().instance).get([ID])[ID].remote_id)


def test_fifty_messages_are_one_conversation_and_three_calls(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    texts = [f"Words {n}" for n in range(50)]
    write(world, sqlite_archive, [document("1", "T", *texts)])
    assert fake.texts(live(world, sqlite_archive)) == texts
    assert fake.requests == {"POST conversations": 1, "POST conversations items": 3}


def test_it_is_known_there_by_its_metadata_which_follows(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    write(world, sqlite_archive, [document("1", "x" * 600, category="Code", project_name="House")])
    told = fake.conversations[live(world, sqlite_archive)]["metadata"]
    assert (told["owner"], told["source_id"], told["category"], told["project"]) == ("commonplace", ID, "Code", "House")
    assert len(told["title"]) == 512
    outcomes, _ = write(world, sqlite_archive, [document("1", "New", category="Garden", version=2)])
    assert outcomes[0].state == "updated"
    assert fake.conversations[live(world, sqlite_archive)]["metadata"]["category"] == "Garden"
    assert len(fake.conversations) == 1


def test_asides_are_left_out_unless_wanted_and_attachments_are_lines(
    fake: FakeConversations, sqlite_archive: Archive
) -> None:
    messages = [
        Message(id="a", role="user", text="Look", attachments=[Attachment(id="f", kind="image", name="cat.png")]),
        Message(id="b", role="tool", text="ran"),
        Message(id="c", role="assistant", text="I see"),
        Message(id="d", role="assistant", text="secret", is_hidden=True),
        Message(id="e", role="assistant", text="on a branch", is_active=False),
    ]
    for asides, count in ((False, 2), (True, 3)):
        world = OpenAIWorld(fake, asides=asides, account=str(asides))
        write(world, sqlite_archive, [document("1", "T", messages=messages)])
        texts = fake.texts(live(world, sqlite_archive))
        assert texts[0] == "Look\n\n[Image: cat.png]"
        assert len(texts) == count
        world.close()


def test_what_grew_is_continued_and_what_forked_is_taken_back_from_there(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    write(world, sqlite_archive, [document("1", "T", "one", "two", "three")])
    first = [item["id"] for item in fake.items[live(world, sqlite_archive)]]
    write(world, sqlite_archive, [document("1", "T", "one", "two", "three", "four", version=2)])
    assert [item["id"] for item in fake.items[live(world, sqlite_archive)]][:3] == first
    write(world, sqlite_archive, [document("1", "T", "one", "other", version=3)])
    assert fake.texts(live(world, sqlite_archive)) == ["one", "other"]
    assert fake.items[live(world, sqlite_archive)][0]["id"] == first[0]
    assert len(fake.conversations) == 1


def test_a_long_message_is_several_items(world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive) -> None:
    long = "0123456789" * 110_000
    write(world, sqlite_archive, [document("1", "T", long, "short")])
    texts = fake.texts(live(world, sqlite_archive))
    assert [len(text) for text in texts] == [500_000, 500_000, 100_000, 5]
    assert "".join(texts[:3]) == long


@pytest.mark.parametrize(
    "failure",
    [
        "lost before",
        "lost after",
        "500",
        "500 after",
        "429",
        "locked",
        "html",
        "doubles",
        "half",
        "error as 200",
        "shuffled",
    ],
)
def test_whatever_becomes_of_adding_each_message_is_there_once(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive, failure: Failure
) -> None:
    texts = [f"Words {n}" for n in range(25)]
    fake.failures += ["none", failure, "none", failure]
    outcomes, ledger = write(world, sqlite_archive, [document("1", "T", *texts)])
    assert outcomes[0].state == "created"
    assert fake.texts(live(world, sqlite_archive)) == texts
    there = [item["id"] for item in fake.items[live(world, sqlite_archive)]]
    assert [item.remote_id for item in ledger.items(ID)] == there


def test_several_conversations_are_written_at_once_each_by_one(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    fake.meeting = threading.Barrier(WRITERS)  # none is made before so many are being made
    outcomes, ledger = write(
        world, sqlite_archive, [document(str(n), "T", *(f"{n} {k}" for k in range(21))) for n in range(2 * WRITERS)]
    )
    assert {outcome.state for outcome in outcomes} == {"created"}
    for id, entry in ledger.remote_ids():
        assert fake.texts(str(entry.remote_id)) == [f"{id.partition(':')[2]} {k}" for k in range(21)]
    assert fake.requests == {"POST conversations": 2 * WRITERS, "POST conversations items": 4 * WRITERS}
    assert fake.refused_as_locked == 0


def test_who_interrupts_does_not_wait_for_what_hangs(
    fake: FakeConversations, sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an end to what hangs this would not end either."""
    world, batch = OpenAIWorld(fake, timeout_seconds=3600.0), [document("1"), document("2")]
    known = ArchiveLedger(sqlite_archive, world.open().instance)
    fake.meeting = threading.Barrier(2)
    fake.failures += ["none", "hang"]

    def interrupted(*arguments: Any, **options: Any) -> None:
        ArchiveLedger._write(known, arguments[0], arguments[1], "done", remote_id=arguments[2], **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(known, "done", interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.opened[0].write(batch, known)
    assert sorted(entry.state for entry in known.get(ids(batch)).values()) == ["done", "intent"]
    fake.meeting = None
    outcomes, _ = write(world, sqlite_archive, batch)
    assert {outcome.state for outcome in outcomes} <= {"created", "updated"}
    assert world.there() == Counter(ids(batch))
    assert shells_of(known) == 1
    world.close()


def test_a_server_that_lists_in_another_order_is_not_taken_for_somebody_who_went_on_there(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    fake.newest_first = True
    _, ledger = write(world, sqlite_archive, [document("1", "T", "one", "two")])
    assert list(world.opened[-1].pull_messages(ledger, None)) == []


def test_an_item_that_a_server_tells_twice_is_taken_in_once(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    _, ledger = write(world, sqlite_archive, [document("1", "T", "one", "two")])
    there = live(world, sqlite_archive)
    fake.say(there, "user", "three")
    fake.items[there].append(fake.items[there][-1])
    (said,) = world.opened[-1].pull_messages(ledger, None)
    assert [message.text for message in said.messages] == ["three"]
    assert list(world.opened[-1].pull_messages(ledger, None)) == []


@pytest.mark.parametrize("count", [1_030, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_very_long_conversation_is_there_whole_also_after_a_lost_answer(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive, count: int
) -> None:
    texts = [f"Words {n}" for n in range(count)]
    fake.failures += [*["none"] * (count // 20 - 1), "lost after"]  # type: ignore[list-item]
    write(world, sqlite_archive, [document("1", "T", *texts)])
    assert fake.texts(live(world, sqlite_archive)) == texts
    assert fake.requests["POST conversations items"] == -(-count // 20)


@pytest.mark.parametrize(
    ("failure", "shells"), [("lost after", 1), ("500", 1), ("error as 200", 1), ("half", 1), ("429", 0)]
)
def test_a_conversation_whose_making_was_not_told_is_counted_as_a_shell(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive, failure: Failure, shells: int
) -> None:
    fake.failures.append(failure)
    with pytest.raises(Retryable):
        write(world, sqlite_archive, [document("1")])
    _, ledger = write(world, sqlite_archive, [document("1")])
    assert sum(bool(items) for items in fake.items.values()) == 1
    assert shells_of(ledger) == shells


def test_a_conversation_that_somebody_deleted_is_made_again_or_left(
    fake: FakeConversations, sqlite_archive: Archive
) -> None:
    for choice, state in (("recreate", "updated"), ("skip", "skipped")):
        world = OpenAIWorld(fake, on_deleted=choice, account=choice)
        write(world, sqlite_archive, [document("1", "T", "one")])
        del fake.conversations[live(world, sqlite_archive)]
        outcomes, _ = write(world, sqlite_archive, [document("1", "T", "one", "two", version=2)])
        assert outcomes[0].state == state
        world.close()
    assert [fake.texts(id) for id in fake.conversations] == [["one", "two"]]


def test_items_that_somebody_deleted_are_added_again_when_it_changes(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    write(world, sqlite_archive, [document("1", "T", "one", "two")])
    fake.items[live(world, sqlite_archive)].pop()
    write(world, sqlite_archive, [document("1", "T", "one", "two", "three", version=2)])
    assert fake.texts(live(world, sqlite_archive)) == ["one", "two", "three"]


def test_a_key_without_the_right_stops_the_run(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    fake.failures.append("403")
    with pytest.raises(Halt, match="not allowed"):
        write(world, sqlite_archive, [document("1", "T", "a private sentence")])
    outcomes, _ = write(world, sqlite_archive, [document("1")])
    assert outcomes[0].state == "created"


def test_what_somebody_said_there_is_not_removed_unless_all_goes(
    world: OpenAIWorld, fake: FakeConversations, sqlite_archive: Archive
) -> None:
    write(world, sqlite_archive, [document("1", "T", "one")])
    fake.say(live(world, sqlite_archive), "user", "and now?")
    destination, ledger = world.open(), ArchiveLedger(sqlite_archive, world.open().instance)
    assert [outcome.state for outcome in destination.remove([ID], ledger)] == ["conflict"]
    assert len(fake.conversations) == 1
    assert destination.take_away(ID, ledger.get([ID])[ID], ledger, everything=True).state == "removed"
    assert fake.conversations == {}
    assert not any(fake.items.values())

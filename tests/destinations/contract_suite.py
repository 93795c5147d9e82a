"""What every destination must do, whatever it writes to. Each inherits this suite and brings its `World`.

The heart is the test that ends the process at every single step of writing: it finds out by itself how many steps there
are, so a destination that adds one is tested there as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.leases import Lost, hold, syncing
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Destination, Document, Ledger, Removes
from commonplace.destinations.fake import Killed
from commonplace.model import Outcome
from tests.destinations.documents import document

SETTLED = {"created", "updated", "unchanged"}
WRITING = {"intend", "done", "fail", "refused", "uncertain", "conflict", "queue", "removed", "add_items", "drop_items"}


class World(Protocol):
    """One destination instance and the other side of it, as a test sees them."""

    def open(self) -> Destination:
        """The destination as a new process opens it."""

    def there(self) -> Counter[str]:
        """How many pages there are of each conversation."""

    def shows(self, conversation_id: str) -> str:
        """What can be read there of a conversation, title included."""

    def wait(self) -> None:
        """Let the time pass after which something uncertain may be decided."""


class UnlookableWorld(World, Protocol):
    """The other side of a destination that cannot be asked: a person looks there."""

    def arrived(self, key: str) -> bool:
        """Whether what was sent under this key is there."""


class KillingLedger:
    """A ledger at whose n-th writing the process ends: just before it is committed, or just after."""

    def __init__(self, ledger: ArchiveLedger, step: int, *, committed: bool) -> None:
        self._ledger = ledger
        self._steps_left = step
        self._committed = committed
        self.was_reached = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)
        if name not in WRITING:
            return method

        def call(*args: Any, **options: Any) -> None:
            self._steps_left -= 1
            if self._steps_left >= 0:
                method(*args, **options)
                return
            if self._committed and not self.was_reached:
                method(*args, **options)
            self.was_reached = True
            raise Killed

        return call


class DestinationContract:
    """Inherit, together with the class of each power that it has, and provide a fixture `world`."""

    def test_every_power_that_it_has_is_tested_and_no_other(self, world: World) -> None:
        powers = world.open().capabilities
        assert isinstance(self, Changing) == ("content" in powers.changes)
        assert isinstance(self, Unlookable) == (not powers.supports_lookup)
        assert isinstance(self, Removing) == powers.supports_removal

    def test_it_is_ready_and_knows_which_one_it_is(self, world: World, sqlite_archive: Archive) -> None:
        first, second = world.open(), world.open()
        assert first.check(ArchiveLedger(sqlite_archive, first.instance)) == []
        assert first.instance == second.instance
        assert ":" in first.instance
        assert first.settings_hash == second.settings_hash
        assert first.capabilities.renderer_version
        assert first.requests_sent == 0
        assert first.location == second.location
        assert first.estimate(0, 0) == second.estimate(0, 0)

    def test_every_document_is_created_once_and_noted(self, world: World, sqlite_archive: Archive) -> None:
        batch = [document(str(n), f"Title {n}") for n in range(5)]
        outcomes, ledger = write(world, sqlite_archive, batch)
        assert Counter(outcome.state for outcome in outcomes) == {"created": 5}
        assert {outcome.conversation_id for outcome in outcomes} == set(ids(batch))
        assert world.there() == Counter(ids(batch))
        assert {entry.state for entry in ledger.get(ids(batch)).values()} == {"done"}
        assert {entry.input_hash for entry in ledger.get(ids(batch)).values()} == {"v1"}
        assert all(entry.remote_id for entry in ledger.get(ids(batch)).values())
        assert not any("Title" in (outcome.remote_url or "") for outcome in outcomes)  # reports show it

    def test_the_same_batch_again_does_nothing_new(self, world: World, sqlite_archive: Archive) -> None:
        batch = [document(str(n), f"Title {n}") for n in range(3)]
        write(world, sqlite_archive, batch)
        outcomes, _ = write(world, sqlite_archive, batch)
        assert {outcome.state for outcome in outcomes} == {"unchanged"}
        assert world.there() == Counter(ids(batch))

    def test_two_conversations_of_one_title_are_two(self, world: World, sqlite_archive: Archive) -> None:
        batch = [document("1", "Same"), document("2", "Same"), document("3", "same")]
        write(world, sqlite_archive, batch)
        assert world.there() == Counter(ids(batch))

    def test_an_empty_batch_and_an_idle_finish_are_fine(self, world: World, sqlite_archive: Archive) -> None:
        outcomes, _ = write(world, sqlite_archive, [])
        assert outcomes == []
        assert world.there() == Counter()

    def test_odd_conversations_are_written_too(self, world: World, sqlite_archive: Archive) -> None:
        batch = [
            document("untitled", None),
            document("long", "long " * 500),
            document("odd", 'a/b\\c:*?"<>|\x00\u202e\ud800 😀', "\ud800 \x00 <script>alert(1)</script>\n```\nopen"),
            document("empty", "Nothing said", messages=[]),
            document("undated", "No dates", conversation={"created_at": None, "updated_at": None}),
        ]
        outcomes, _ = write(world, sqlite_archive, batch)
        assert {outcome.state for outcome in outcomes} == {"created"}
        assert world.there() == Counter(ids(batch))

    def test_a_run_whose_place_was_taken_writes_nothing_more(self, world: World, sqlite_archive: Archive) -> None:
        write(world, sqlite_archive, [document("1", "Before")])
        destination = world.open()
        with hold(sqlite_archive, syncing(sqlite_archive.owner, destination.instance)) as lease:
            ledger = ArchiveLedger(lease.archive, destination.instance)
        with pytest.raises(Lost):
            destination.write([document("1", "After", version=2), document("2", "New")], ledger)
        destination.close()
        assert world.there() == Counter(["chatgpt:1"])
        assert "Before" in world.shows("chatgpt:1")
        assert {entry.input_hash for entry in ledger.get(["chatgpt:1", "chatgpt:2"]).values()} == {"v1"}

    @pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
    def test_ended_at_any_step_the_next_runs_complete_it(
        self, world: World, sqlite_archive: Archive, committed: bool
    ) -> None:
        for attempt, step in enumerate(steps_until_unreached()):
            batch = [document(f"{attempt}-{n}", f"Title {attempt} {n}") for n in range(3)]
            if not end_at(world, sqlite_archive, batch, step, committed=committed):
                break
            settle(world, sqlite_archive, batch)
            assert {id: count for id, count in world.there().items() if id in ids(batch)} == dict.fromkeys(
                ids(batch), 1
            )
        else:
            raise AssertionError("never ran to its end")
        assert attempt > 0


class Changing:
    """What went on is news again."""

    def test_a_changed_document_is_changed_where_it_is(self, world: World, sqlite_archive: Archive) -> None:
        write(world, sqlite_archive, [document("1", "Before"), document("2", "Other")])
        remote_id = ArchiveLedger(sqlite_archive, world.open().instance).get(["chatgpt:1"])["chatgpt:1"].remote_id
        outcomes, ledger = write(world, sqlite_archive, [document("1", "After", version=2)])
        assert [outcome.state for outcome in outcomes] == ["updated"]
        assert "After" in world.shows("chatgpt:1")
        assert "Before" not in world.shows("chatgpt:1")
        assert world.there() == Counter(["chatgpt:1", "chatgpt:2"])
        entry = ledger.get(["chatgpt:1"])["chatgpt:1"]
        assert (entry.state, entry.input_hash, entry.remote_id) == ("done", "v2", remote_id)

    def test_a_forced_document_is_written_where_it_is(self, world: World, sqlite_archive: Archive) -> None:
        write(world, sqlite_archive, [document("1", "Title")])
        for _ in range(2):
            outcomes, ledger = write(world, sqlite_archive, [document("1", "Title", is_forced=True)])
            assert outcomes[0].state in {"updated", "unchanged"}
            assert world.there() == Counter(["chatgpt:1"])
            assert ledger.get(["chatgpt:1"])["chatgpt:1"].state == "done"
        assert "Title" in world.shows("chatgpt:1")

    @pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
    def test_an_update_ended_at_any_step_is_completed(
        self, world: World, sqlite_archive: Archive, committed: bool
    ) -> None:
        write(world, sqlite_archive, [document("1", "Version one"), document("2", "Version one")])
        for version in steps_until_unreached(start=2):
            batch = [document(n, f"Version {version}", version=version) for n in ("1", "2")]
            if not end_at(world, sqlite_archive, batch, version - 2, committed=committed):
                break
            settle(world, sqlite_archive, batch)
            assert world.there() == Counter(["chatgpt:1", "chatgpt:2"])
            assert all(f"Version {version}" in world.shows(id) for id in ids(batch))


class Unlookable:
    """Nobody but a person can say what arrived."""

    @pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
    def test_what_cannot_be_looked_up_is_sent_once_at_most(
        self, world: World, sqlite_archive: Archive, committed: bool
    ) -> None:
        doubted = 0
        for attempt, step in enumerate(steps_until_unreached()):
            batch = [document(f"{attempt}-{n}", f"Title {attempt} {n}") for n in range(3)]
            if not end_at(world, sqlite_archive, batch, step, committed=committed):
                break
            for _ in range(3):
                outcomes, ledger = write(world, sqlite_archive, batch)
                world.wait()
            doubted += sum(outcome.state == "uncertain" for outcome in outcomes)
            doubted += len(list(ledger.in_state("intent", "uncertain")))
            assert max(world.there().values(), default=0) <= 1
        assert doubted > 0


class Removing:
    """What is there can be taken away."""

    def test_what_is_removed_is_gone_and_may_come_back(self, world: World, sqlite_archive: Archive) -> None:
        batch = [document(str(n), f"Title {n}") for n in range(3)]
        write(world, sqlite_archive, batch)
        destination = cast("Removes", world.open())
        ledger = ArchiveLedger(sqlite_archive, destination.instance)
        for _ in range(2):
            outcomes = destination.remove(["chatgpt:0", "chatgpt:1", "chatgpt:never"], ledger)
            assert {outcome.state for outcome in outcomes} <= {"removed"}
        assert world.there() == Counter(["chatgpt:2"])
        assert ledger.get(["chatgpt:0", "chatgpt:1"]) == {}
        write(world, sqlite_archive, batch)
        assert world.there() == Counter(ids(batch))


def write(world: World, archive: Archive, batch: Sequence[Document]) -> tuple[list[Outcome], ArchiveLedger]:
    """One run of a process of its own; what became of each in the end."""
    destination = world.open()
    ledger = ArchiveLedger(archive, destination.instance)
    outcomes = destination.write(batch, ledger) if batch else []
    finished = destination.finish(outcomes, ledger)
    destination.close()
    return list({outcome.conversation_id: outcome for outcome in [*outcomes, *finished]}.values()), ledger


def end_at(world: World, archive: Archive, batch: Sequence[Document], step: int, *, committed: bool) -> bool:
    """Write, and end the process at that step; False if there are fewer steps."""
    destination = world.open()
    killing = KillingLedger(ArchiveLedger(archive, destination.instance), step, committed=committed)
    ledger = cast("Ledger", killing)
    try:
        destination.finish(destination.write(batch, ledger), ledger)
    except Killed:
        assert killing.was_reached
    destination.close()
    return killing.was_reached


def settle(world: World, archive: Archive, batch: Sequence[Document]) -> None:
    """Run again, with time between, until every document is there; a few runs must do."""
    for _ in range(4):
        if not world.open().capabilities.supports_lookup:
            decide(cast("UnlookableWorld", world), archive)
        outcomes, ledger = write(world, archive, batch)
        if all(outcome.state in SETTLED for outcome in outcomes):
            assert {entry.state for entry in ledger.get(ids(batch)).values()} == {"done"}
            return
        world.wait()
    raise AssertionError(f"not settled: {outcomes}")


def decide(world: UnlookableWorld, archive: Archive) -> None:
    """A person looks there, and says of each that is in doubt whether it arrived."""
    ledger = ArchiveLedger(archive, world.open().instance)
    ledger.settle()
    for key, _ in list(ledger.in_state("uncertain")):
        (ledger.accept if world.arrived(key) else ledger.resend)([key])


def steps_until_unreached(start: int = 0) -> Iterator[int]:
    yield from range(start, start + 60)


def ids(batch: Sequence[Document]) -> list[str]:
    return [document.conversation.id for document in batch]

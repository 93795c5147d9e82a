"""The fake destination keeps the contract, and shows what every failure of a service leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Destination
from commonplace.destinations.fake import Failure, FakeDestination, FakeService, FakeSettings, Killed, open_fake
from commonplace.errors import Halt, Retryable
from tests.destinations.contract_suite import Changing, DestinationContract, Removing, Unlookable, ids, settle, write
from tests.destinations.documents import document


class FakeWorld:
    def __init__(self, settings: FakeSettings = FakeSettings()) -> None:
        self.service = FakeService()
        self._settings = settings
        self._now = 0.0

    def open(self) -> Destination:
        return FakeDestination(self._settings, self.service, clock=lambda: self._now)

    def there(self) -> Counter[str]:
        return Counter(id for page in self.service.pages.values() for id in page.members or [page.conversation_id])

    def arrived(self, key: str) -> bool:
        return any(page.conversation_id == key for page in self.service.pages.values())

    def shows(self, conversation_id: str) -> str:
        found = [p for p in self.service.pages.values() if conversation_id in (p.conversation_id, *p.members)]
        return " ".join(" ".join([page.content, *(part.text for part in page.parts)]) for page in found)

    def wait(self) -> None:
        self._now += 30


VARIANTS = {
    "plain": FakeSettings(),
    "each message a part": FakeSettings(in_parts=True),
    "cannot be looked up": FakeSettings(supports_lookup=False),
    "once only": FakeSettings(supports_lookup=False, changes=(), starts_from_baseline=True),
    "all in one message": FakeSettings(supports_lookup=False, changes=(), together=True),
}


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


class TestLookable(DestinationContract, Changing, Removing):
    @pytest.fixture(params=["plain", "each message a part"])
    def world(self, request: pytest.FixtureRequest) -> FakeWorld:
        return FakeWorld(VARIANTS[request.param])


class TestUnlookable(DestinationContract, Changing, Unlookable, Removing):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld(VARIANTS["cannot be looked up"])


class TestOnceOnly(DestinationContract, Unlookable, Removing):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld(VARIANTS["once only"])


class TestTogether(DestinationContract, Unlookable):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld(VARIANTS["all in one message"])


@pytest.mark.parametrize(
    "failures",
    [
        ("killed before",),
        ("killed after",),
        ("timeout before",),
        ("timeout after",),
        ("timeout before", "timeout after"),
        ("killed before", "timeout before", "killed after"),
        ("rate limit",),
        ("quota",),
        ("rate limit", "killed after"),
        ("timeout after", "rate limit"),
    ],
)
def test_whatever_fails_there_is_one_page_in_the_end(
    world: FakeWorld, sqlite_archive: Archive, failures: Sequence[Failure]
) -> None:
    batch = [document(n, f"Title {n}") for n in "123"]
    world.service.fail("chatgpt:2", *failures)
    for _ in range(3 * len(failures)):
        with suppress(Killed, Retryable, Halt):
            write(world, sqlite_archive, batch)
        world.wait()
    settle(world, sqlite_archive, batch)
    assert world.there() == Counter(ids(batch))


def test_a_partial_batch_keeps_what_was_done(world: FakeWorld, sqlite_archive: Archive) -> None:
    world.service.fail("chatgpt:2", "rate limit")
    with pytest.raises(Retryable):
        write(world, sqlite_archive, [document(n) for n in "123"])
    ledger = ArchiveLedger(sqlite_archive, world.open().instance)
    assert {id: entry.state for id, entry in ledger.get(["chatgpt:1", "chatgpt:2", "chatgpt:3"]).items()} == {
        "chatgpt:1": "done",
        "chatgpt:2": "failed",
    }
    outcomes, _ = write(world, sqlite_archive, [document(n) for n in "123"])
    assert [outcome.state for outcome in outcomes] == ["unchanged", "created", "created"]


def test_what_will_not_work_is_failed_and_the_others_are_not(world: FakeWorld, sqlite_archive: Archive) -> None:
    world.service.fail("chatgpt:2", "permanent")
    outcomes, ledger = write(world, sqlite_archive, [document(n) for n in "123"])
    assert [outcome.state for outcome in outcomes] == ["created", "failed", "created"]
    entry = ledger.get(["chatgpt:2"])["chatgpt:2"]
    assert (entry.state, entry.reason) == ("failed", "The fake service does not take this conversation.")
    assert ledger.resend(["chatgpt:2"]) == ["chatgpt:2"]
    outcomes, _ = write(world, sqlite_archive, [document("2")])
    assert [outcome.state for outcome in outcomes] == ["created"]


def test_an_unanswered_creation_is_repeated_only_after_two_looks_30_s_apart(
    world: FakeWorld, sqlite_archive: Archive
) -> None:
    world.service.fail("chatgpt:1", "timeout before")
    states = []
    for pause in (False, False, False, True):
        if pause:
            world.wait()
        outcomes, _ = write(world, sqlite_archive, [document("1")])
        states.append(outcomes[0].state)
    assert states == ["uncertain", "uncertain", "uncertain", "created"]
    assert [kind for kind, _ in world.service.requests] == ["create", "find", "find", "find", "create"]


def test_without_a_look_up_it_waits_for_a_person(sqlite_archive: Archive) -> None:
    world = FakeWorld(FakeSettings(supports_lookup=False))
    world.service.fail("chatgpt:1", "timeout before")
    for _ in range(3):
        outcomes, ledger = write(world, sqlite_archive, [document("1", is_forced=True)])
        world.wait()
        assert outcomes[0].state == "uncertain"
    assert len(world.service.requests) == 1
    ledger.resend(["chatgpt:1"])
    outcomes, _ = write(world, sqlite_archive, [document("1")])
    assert outcomes[0].state == "created"


@pytest.mark.parametrize("failure", ["rate limit", "quota"])
def test_what_the_service_turned_away_is_in_no_doubt(sqlite_archive: Archive, failure: Failure) -> None:
    for number, name in enumerate(("cannot be looked up", "all in one message")):
        world = FakeWorld(msgspec.structs.replace(VARIANTS[name], name=name))
        world.service.fail(f"chatgpt:{number}", failure)
        with pytest.raises((Retryable, Halt)):
            write(world, sqlite_archive, [document(str(number))])
        assert ArchiveLedger(sqlite_archive, world.open().instance).settle() == 0
        outcomes, _ = write(world, sqlite_archive, [document(str(number))])
        assert [outcome.state for outcome in outcomes] == ["created"]


def test_a_message_about_many_is_one_request_and_loses_nobody(sqlite_archive: Archive) -> None:
    world = FakeWorld(VARIANTS["all in one message"])
    world.service.fail("chatgpt:1", "timeout after")
    outcomes, ledger = write(world, sqlite_archive, [document(n) for n in "12"])
    ((message, _),) = ledger.in_state("uncertain")
    assert {o.conversation_id: o.state for o in outcomes} == {
        "chatgpt:1": "queued", "chatgpt:2": "queued", message: "uncertain",
    }  # fmt: skip
    outcomes, _ = write(world, sqlite_archive, [document(n) for n in "3"])  # does not wait for what is in doubt
    assert [(o.conversation_id, o.state) for o in outcomes] == [("chatgpt:3", "created")]
    ledger.accept([message])
    outcomes, _ = write(world, sqlite_archive, [])
    assert {(o.conversation_id, o.state) for o in outcomes} == {("chatgpt:1", "created"), ("chatgpt:2", "created")}
    assert len(world.service.requests) == 2


def test_parts_are_added_where_it_grew_and_replaced_where_it_forked(sqlite_archive: Archive) -> None:
    world = FakeWorld(FakeSettings(in_parts=True))
    write(world, sqlite_archive, [document("1", "T", "one", "two", "three")])
    (page,) = world.service.pages.values()
    first = [part.id for part in page.parts]
    write(world, sqlite_archive, [document("1", "T", "one", "two", "three", "four", version=2)])
    assert [part.id for part in page.parts][:3] == first
    write(world, sqlite_archive, [document("1", "T", "one", "two", "other", version=3)])
    assert [part.text for part in page.parts] == ["one", "two", "other"]
    assert [part.id for part in page.parts][:2] == first[:2]


@pytest.mark.parametrize("failure", ["timeout before", "timeout after"])
def test_parts_whose_arrival_was_not_told_are_found(sqlite_archive: Archive, failure: Failure) -> None:
    world = FakeWorld(FakeSettings(in_parts=True))
    world.service.fail("chatgpt:1", "none", "none", failure)
    for _ in range(2):
        write(world, sqlite_archive, [document("1", "T", "one", "two", "three")])
    (page,) = world.service.pages.values()
    assert [part.text for part in page.parts] == ["one", "two", "three"]


def test_its_failures_can_be_scripted_by_settings(sqlite_archive: Archive) -> None:
    destination = open_fake(FakeSettings(failures={"chatgpt:1": ["permanent"]}))
    outcomes = destination.write([document("1")], ArchiveLedger(sqlite_archive, destination.instance))
    assert outcomes[0].state == "failed"
    assert destination.requests_sent == 1

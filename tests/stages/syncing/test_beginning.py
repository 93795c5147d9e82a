"""Before the first write: doubts wait for a person, wishes are carried out, and what is old is not sent unasked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.verdicts.verdicts import correct
from commonplace.destinations.contract import Change
from commonplace.destinations.fake import Failure, FakeDestination, FakeService, FakeSettings, Killed
from commonplace.errors import Refused
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.mapping import projects
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.pending import Rules, Wishes
from commonplace.stages.syncing.report import SyncReport
from tests.archive.builders import simple_chat
from tests.stages.syncing.syncing import preview, sync

UNASKABLE = FakeSettings(supports_lookup=False, changes=())


class World:
    """An archive with conversations, a service, and runs that know each other only through them."""

    def __init__(self, archive: Archive, settings: FakeSettings) -> None:
        self.archive, self.settings, self.service = archive, settings, FakeService()

    def add(self, *names: str, updated: int = 100, **fields: Any) -> None:
        merge(self.archive, None, [simple_chat(name, "one", "two", updated=updated, **fields) for name in names])

    def sync(self, selection: Selection = Selection(), *, rules: Rules = Rules(), **wishes: Any) -> SyncReport:
        destination = FakeDestination(self.settings, self.service)
        taxonomy = taxonomy_named(self.archive, "everyday")
        return sync(self.archive, destination, selection, rules, Wishes(**wishes), taxonomy=taxonomy)

    def killed(self, name: str, failure: Failure) -> None:
        self.service.fail(f"chatgpt:{name}", failure)
        with pytest.raises(Killed):
            self.sync()

    def sent(self) -> list[str]:
        return sorted(page.conversation_id.removeprefix("chatgpt:") for page in self.service.pages.values())

    def ledger(self) -> ArchiveLedger:
        return ArchiveLedger(self.archive, f"fake:{self.settings.name}")


@pytest.fixture
def world(sqlite_archive: Archive) -> World:
    return World(sqlite_archive, UNASKABLE)


@pytest.mark.parametrize("failure", ["killed before", "killed after", "timeout before", "timeout after"])
def test_what_is_in_doubt_is_shown_and_not_sent_again(world: World, failure: Failure) -> None:
    world.add("a")
    if failure.startswith("killed"):
        world.killed("a", failure)
    else:
        world.service.fail("chatgpt:a", failure)
        assert world.sync().uncertain == 1
    arrived = world.sent()
    told = [world.sync() for _ in range(3)]
    assert [report.undecided for report in told] == [1, 1, 1]
    assert told[-1].uncertain == 0  # a run fails over it once, not every night
    assert [(problem.conversation_id, problem.state) for problem in told[-1].problems] == [("chatgpt:a", "uncertain")]
    world.add("a", updated=200, title="It went on")
    assert world.sync().undecided == 1
    assert world.sent() == arrived


def test_a_person_decides_what_becomes_of_it(world: World) -> None:
    world.add("a", "b")
    world.service.fail("chatgpt:a", "timeout after")
    world.service.fail("chatgpt:b", "timeout before")
    world.sync()
    report = world.sync(accept=("chatgpt:a",), resend=("chatgpt:b",))
    assert (report.created, report.undecided) == (1, 0)
    assert world.sent() == ["a", "b"]
    assert world.sync().created == 0


def test_a_decision_about_what_nobody_doubts_is_refused(world: World) -> None:
    world.add("a")
    world.sync()
    with pytest.raises(Refused, match="Nothing was sent there under 'chatgpt:z'"):
        world.sync(resend=("chatgpt:a", "chatgpt:z"))
    with pytest.raises(Refused, match="'chatgpt:a' is not in doubt: its state is 'done'"):
        world.sync(accept=("chatgpt:a",))
    assert world.sent() == ["a"]
    world.sync(resend=("chatgpt:a",))
    assert len(world.service.requests) == 2


def test_with_delivery_at_least_once_the_next_run_sends_it_again(world: World) -> None:
    world.add("a")
    world.service.fail("chatgpt:a", "timeout after")
    world.sync()
    report = world.sync(rules=Rules(delivery="at-least-once"))
    assert (report.created, report.undecided) == (1, 0)
    assert world.sent() == ["a", "a"]


def test_force_sends_again_on_purpose(world: World) -> None:
    world.add("a", "b")
    world.service.fail("chatgpt:a", "timeout after")
    world.sync()
    assert world.sync(Selection(force=True)).created == 1
    assert world.sent() == ["a", "a", "b"]
    assert world.sync().undecided == 0


def test_where_it_can_be_asked_nothing_is_in_doubt(sqlite_archive: Archive) -> None:
    world = World(sqlite_archive, FakeSettings(lookup_interval_seconds=0))
    world.add("a", "b")
    world.killed("a", "killed after")
    report = world.sync()
    assert (report.uncertain, report.undecided) == (0, 0)
    assert world.sent() == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (("content", "verdict", "project"), "content verdict project"),
        (("content",), "content"),
        (("verdict",), "verdict"),
        (("project",), "project"),
        ((), ""),
    ],
)
def test_what_counts_as_a_change_is_the_destinations_to_say(
    sqlite_archive: Archive, changes: Sequence[Change], expected: str
) -> None:
    world = World(sqlite_archive, FakeSettings(changes=tuple(changes)))
    world.add("content", "verdict", "project")
    assert world.sync().created == 3
    world.add("content", updated=200, title="Another title")
    correct(sqlite_archive, "chatgpt:verdict", "category", "Coding", origin="cli", taxonomy="everyday")
    projects.assign(sqlite_archive, "Garden", ["chatgpt:project"], new=True)
    before = len(world.service.requests)
    assert world.sync().updated == len(expected.split())
    assert {id.removeprefix("chatgpt:") for _, id in world.service.requests[before:]} == set(expected.split())


class TestBaseline:
    @pytest.fixture
    def world(self, sqlite_archive: Archive) -> World:
        world = World(sqlite_archive, msgspec.structs.replace(UNASKABLE, starts_from_baseline=True))
        world.add("old", updated=100)
        world.add("newer", updated=300)
        return world

    def test_the_first_sync_sends_nothing_old_and_says_so(self, world: World) -> None:
        report = world.sync()
        assert (report.created, report.baseline) == (0, 2)
        world.add("fresh", updated=50)  # an old conversation that comes in later is new here
        report = world.sync()
        assert (report.created, report.baseline) == (1, 0)
        assert world.sent() == ["fresh"]

    def test_all_sends_everything_at_first_or_later(self, world: World) -> None:
        assert world.sync(everything=True).created == 2
        assert world.sync().created == 0

    def test_all_sends_what_was_held_back(self, world: World) -> None:
        world.sync()
        assert world.sync(everything=True).created == 2
        assert world.sync(everything=True).created == 0

    def test_since_sends_some_and_the_rest_stays_old(self, world: World) -> None:
        report = world.sync(Selection(since=200))
        assert (report.created, report.baseline) == (1, 1)
        assert world.sync().created == 0
        assert world.sync(Selection(since=50)).created == 1
        assert world.sent() == ["newer", "old"]

    def test_a_dry_run_says_so_and_draws_no_baseline(self, world: World) -> None:
        destination = FakeDestination(world.settings, world.service)
        planned = preview(world.archive, destination)
        assert (planned.pending, planned.baseline) == (0, 2)
        assert preview(world.archive, destination, wishes=Wishes(everything=True)).pending == 2
        assert world.ledger().is_empty()


def test_a_digest_cut_off_anywhere_is_sent_once_and_loses_nobody(sqlite_archive: Archive) -> None:
    world = World(sqlite_archive, FakeSettings(supports_lookup=False, changes=(), together=True))
    world.add("a", "b")
    world.killed("a", "killed before")
    report = world.sync()
    assert (report.created, report.undecided) == (0, 1)
    world.add("c")
    assert world.sync().created == 1
    (problem,) = world.sync().problems
    report = world.sync(resend=(problem.conversation_id,))
    assert (report.created, report.undecided) == (2, 0)
    assert sorted(id for page in world.service.pages.values() for id in page.members) == [
        "chatgpt:a", "chatgpt:b", "chatgpt:c",
    ]  # fmt: skip


def test_what_was_said_there_comes_back_once_and_is_not_sent_again(sqlite_archive: Archive) -> None:
    world = World(sqlite_archive, FakeSettings(in_parts=True))
    world.add("a", title="Soil")
    world.sync()
    (page,) = world.service.pages.values()
    page.parts.append(type(page.parts[0])("part-99", "And compost?"))
    page.edited_title = "Soil and compost"
    report = world.sync()
    assert report.pulled == 2
    conversation = load_conversation(sqlite_archive, "chatgpt:a")
    assert conversation is not None
    assert [message.text for message in conversation.messages if message.is_active] == ["one", "two", "And compost?"]
    assert conversation.messages[-1].id == "fake:part-99"
    assert [part.text for part in page.parts] == ["one", "two", "And compost?"]
    assert page.content == "Soil and compost"
    before = len(world.service.requests)
    assert world.sync().pulled == 0
    assert len(world.service.requests) == before

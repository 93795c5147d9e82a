"""A conversation that goes on at OpenAI comes back, whatever happens on either side meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Ledger
from commonplace.destinations.fake import Killed
from commonplace.errors import CommonplaceError
from commonplace.model import Conversation, Message
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.syncing import writing
from commonplace.stages.syncing.pending import Wishes, pending
from commonplace.stages.syncing.report import SyncReport
from tests.destinations.contract_suite import KillingLedger
from tests.destinations.openai.world import OpenAIWorld
from tests.fakes.conversations import FakeConversations
from tests.stages.syncing.syncing import sync

MINUTE = 60_000_000


class Both:
    """A conversation here and there."""

    def __init__(self, archive: Archive, fake: FakeConversations, name: str = "1") -> None:
        self.archive, self.fake, self.world = archive, fake, OpenAIWorld(fake)
        self.name, self.id, self.count = name, f"chatgpt:{name}", 0

    def export(self, *, after: str | None = None, updated: int | None = None, text: str | None = None) -> str:
        """ChatGPT's next export: one more message, behind this one; without a text the same as before."""
        self.count += 1
        id = f"{self.name}-m{self.count}"
        messages = [Message(id=id, role="user", text=text, digest=text.encode(), parent_id=after)] if text else []
        conversation = Conversation(
            source="chatgpt", external_id=self.name, title="T", messages=messages, current_message_id=id,
            updated_at=self.count * MINUTE if updated is None else updated,
        )  # fmt: skip
        merge(self.archive, None, [conversation])
        return id

    def sync(self, **wishes: Any) -> SyncReport:
        return sync(self.archive, self.world.open(), wishes=Wishes(**wishes))

    @property
    def remote_id(self) -> str:
        return str(ArchiveLedger(self.archive, self.world.open().instance).get([self.id])[self.id].remote_id)

    def here(self) -> list[str]:
        conversation = load_conversation(self.archive, self.id)
        assert conversation is not None
        return [message.text for message in conversation.messages if message.is_active]

    def there(self) -> list[str]:
        return self.fake.texts(self.remote_id)

    def path(self) -> list[str]:
        conversation = load_conversation(self.archive, self.id)
        assert conversation is not None
        return [message.id for message in conversation.messages if message.is_active]


@pytest.fixture
def fake() -> Iterator[FakeConversations]:
    with FakeConversations() as server:
        yield server


@pytest.fixture
def both(sqlite_archive: Archive, fake: FakeConversations) -> Iterator[Both]:
    made = Both(sqlite_archive, fake)
    with closing(made.world):
        yield made


def test_what_was_said_there_comes_back_and_nothing_is_written_for_it(both: Both, fake: FakeConversations) -> None:
    both.export(text="one")
    both.sync()
    fake.say(both.remote_id, "user", "two")
    fake.say(both.remote_id, "assistant", "three")
    writes = fake.writes
    report = both.sync()
    assert (report.pulled, report.updated, report.failed) == (2, 0, 0)
    assert both.here() == both.there() == ["one", "two", "three"]
    assert both.sync().pulled == 0
    assert fake.writes == writes


def test_pulling_alone_writes_nothing(both: Both, fake: FakeConversations) -> None:
    first = both.export(text="one")
    both.sync()
    fake.say(both.remote_id, "user", "two")
    both.export(text="three", after=first)
    writes = fake.writes
    assert both.sync(pull_only=True).pulled == 1
    assert fake.writes == writes
    assert "two" in both.here()


def test_it_survives_the_next_export_and_stays_on_the_path(both: Both, fake: FakeConversations) -> None:
    first = both.export(text="one")
    both.sync()
    fake.say(both.remote_id, "user", "two")
    both.sync()
    future = 4_000_000_000_000_000
    merge(both.archive, None, [Conversation(
        source="chatgpt", external_id="1", title="T", updated_at=future, current_message_id=first,
        messages=[Message(id=first, role="user", text="one", digest=b"one")],
    )])  # fmt: skip
    assert both.here() == ["one", "two"]


def test_where_the_export_goes_on_itself_it_is_a_branch_and_stays_there(both: Both, fake: FakeConversations) -> None:
    first = both.export(text="one")
    both.sync()
    fake.say(both.remote_id, "user", "two")
    both.sync()
    old = both.remote_id
    both.export(text="else", after=first, updated=4_000_000_000_000_000)
    assert both.here() == ["one", "else"]
    both.sync()
    assert both.there() == ["one", "else"]
    assert fake.texts(old) == ["one", "two"]  # what was said there is never taken away
    known = ArchiveLedger(both.archive, both.world.open().instance).get([both.id])[both.id]
    assert known.detail["before"] == [old]


def test_what_is_no_message_is_kept_and_not_shown(both: Both, fake: FakeConversations) -> None:
    both.export(text="one")
    both.sync()
    fake.items[both.remote_id].append({"type": "reasoning", "id": "rs_1", "summary": [], "content": []})
    fake.say(both.remote_id, "assistant", "thought through")
    both.sync()
    conversation = load_conversation(both.archive, both.id)
    assert conversation is not None
    assert [message.is_hidden for message in conversation.messages] == [False, True, False]
    writes = fake.writes
    assert both.sync().pulled == 0
    assert fake.writes == writes


def test_a_conversation_that_is_gone_there_does_not_stop_the_others(both: Both, fake: FakeConversations) -> None:
    other = Both(both.archive, fake, "2")
    both.export(text="one")
    other.export(text="one")
    both.sync()
    del fake.conversations[both.remote_id]
    fake.say(other.remote_id, "user", "two")
    assert both.sync().pulled == 1
    assert other.here() == ["one", "two"]
    other.world.close()


STEPS = st.lists(
    st.one_of(
        st.just(("grow", 0)), st.tuples(st.just("fork"), st.integers(0, 5)), st.just(("say", 0)), st.just(("sync", 0)),
        st.tuples(st.just("kill"), st.integers(0, 8)), st.tuples(st.just("fail"), st.integers(0, 3)),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_both_sides_end_up_equal(
    sqlite_archive: Archive, fake: FakeConversations, steps: list[tuple[str, int]]
) -> None:
    _live(sqlite_archive, fake, steps)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_often_both_sides_end_up_equal(
    sqlite_archive: Archive, fake: FakeConversations, steps: list[tuple[str, int]]
) -> None:
    _live(sqlite_archive, fake, steps)


def _live(sqlite_archive: Archive, fake: FakeConversations, steps: list[tuple[str, int]]) -> None:
    """These steps, and then some runs without trouble."""
    both = Both(sqlite_archive, fake, f"h{fake.next_id('x')}")
    fake.failures.clear()
    with closing(both.world):
        both.export(text="start")
        both.sync()
        for number, (step, choice) in enumerate(steps):
            path = both.path()
            if step == "grow":
                both.export(text=f"grown {number}", after=path[-1])
            elif step == "fork":
                both.export(text=f"forked {number}", after=path[choice % len(path)])
            elif step == "say":
                fake.say(both.remote_id, "user", f"said {number}")
            elif step == "sync":
                both.sync()
            elif step == "fail":
                fake.failures.append(("lost after", "500 after", "lost before", "locked")[choice])
            else:
                _killed(both, choice)
        fake.failures.clear()
        for _ in range(4):
            both.sync()
        assert both.here() == both.there()
        assert len(set(both.here())) == len(both.here())
        writes = fake.writes
        both.sync()
        assert fake.writes == writes


def _killed(both: Both, step: int) -> None:
    """A run whose process ends at that step of what it notes."""
    destination = both.world.open()
    known = ArchiveLedger(both.archive, destination.instance)
    taxonomy = taxonomy_named(both.archive, "everyday")
    using = writing.Syncing(archive=both.archive, destination=destination, taxonomy=taxonomy)
    ids = [one.conversation_id for one in pending(both.archive, destination) if one.conversation_id == both.id]
    killing = cast("Ledger", KillingLedger(known, step, committed=step % 2 == 0))
    with suppress(Killed, CommonplaceError):
        destination.write(writing.documents_of(using, ids), killing)

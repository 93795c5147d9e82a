"""The judge `openai-batch`: whatever becomes of a batch or of us, what was answered is kept and not bought again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.categorize.contract import Subject, Taxonomy
from commonplace.categorize.openai import OpenAIBatches
from commonplace.categorize.openai.batch_file import Limits
from commonplace.categorize.openai.packing import Plan
from commonplace.errors import Halt, Retryable
from commonplace.model import Usage, Verdict
from tests.categorize.openai.conftest import NAMES, connect, subjects
from tests.fakes.openai import FakeOpenAI

ONE_EACH = Plan(1500, 1, 6000)


class World:
    """The archive's side: what is judged, what is pending, and a judge that a crash makes anew."""

    def __init__(self, fake: FakeOpenAI, archive: Archive, taxonomy: Taxonomy) -> None:
        self.fake = fake
        self.store = ArchiveBatches(archive)
        self.taxonomy = taxonomy
        self.judged: dict[str, Verdict] = {}
        self.judges: list[OpenAIBatches] = []

    def judge(self, *, tries: int = 3, **options: Any) -> OpenAIBatches:
        self.judges.append(
            OpenAIBatches(
                connect(self.fake, tries=tries), self.store, **{"plan": ONE_EACH, "grace_seconds": 0, **options}
            )
        )
        return self.judges[-1]

    def keep(self, verdicts: Any) -> None:
        self.judged.update((verdict.conversation_id, verdict) for verdict in verdicts)

    def pending(self, batch: list[Subject]) -> list[Subject]:
        return [each for each in batch if each.conversation_id not in self.judged]

    def until_done(self, batch: list[Subject], rounds: int = 6) -> None:
        for _ in range(rounds):
            self.judge().submit(self.pending(batch), self.taxonomy)
            self.judge().collect(self.keep)

    def assert_paid_once(self, count: int) -> None:
        assert len(self.judged) == count
        assert sum(self.fake.answered.values()) == count
        assert set(self.fake.answered.values()) == {1}


@pytest.fixture
def world(fake: FakeOpenAI, sqlite_archive: Archive, taxonomy: Taxonomy) -> Iterator[World]:
    made = World(fake, sqlite_archive, taxonomy)
    yield made
    for judge in made.judges:
        judge.close()


def test_submit_sends_and_collect_fetches(world: World) -> None:
    batch = subjects(20)
    judge = world.judge(plan=None)
    sent = judge.submit(batch, world.taxonomy)
    assert (sent.conversations, sent.requests, sent.waiting) == (20, 3, 0)
    got = judge.collect(world.keep)
    assert (got.finished, got.verdicts, got.missing, got.still_open) == (1, 20, 0, 0)
    assert [world.judged[each.conversation_id].category for each in batch] == [NAMES[n % 3] for n in range(20)]
    assert world.judged["chatgpt:00000"].judge == "openai/gpt-6-luna/p2"
    assert all(len(each.evidence) == 1 and each.evidence[0] for each in world.judged.values())
    world.assert_paid_once(20)


def test_half_the_price(world: World) -> None:
    world.until_done(subjects(5), 1)
    usage = sum((verdict.usage for verdict in world.judged.values()), Usage())
    plain = usage.input_tokens - usage.cached_tokens
    full = plain * 0.10 + usage.cached_tokens * 0.01 + usage.output_tokens * 0.50
    assert usage.cost_usd == pytest.approx(full / 2 / 1e6)
    assert usage.input_tokens == world.fake.tokens["input"]


def test_what_is_under_way_is_not_sent_again(world: World) -> None:
    world.fake.batches.fates.append("pending")
    world.judge().submit(subjects(4), world.taxonomy)
    again = world.judge().submit(subjects(6), world.taxonomy)
    assert (again.under_way, again.conversations) == (4, 2)
    got = world.judge().collect(world.keep)
    assert (got.still_open, got.finished) == (1, 1)
    world.fake.batches.fates_of = dict.fromkeys(world.fake.batches.fates_of, "complete")
    world.judge().collect(world.keep)
    world.assert_paid_once(6)


def test_a_changed_conversation_is_another_question(world: World) -> None:
    world.fake.batches.fates.append("pending")
    world.judge().submit(subjects(1), world.taxonomy)
    changed = Subject(conversation_id="chatgpt:00000", content_hash="newer", turns=subjects(1)[0].turns)
    assert world.judge().submit([changed], world.taxonomy).conversations == 1


@pytest.mark.parametrize("fate", ["expire:3", "cancel:3", "complete:3", "expire:0", "complete:0"])
def test_of_a_partial_batch_the_rest_is_sent_again(world: World, fate: str) -> None:
    world.fake.batches.fates.append(fate)
    world.until_done(subjects(8), 3)
    world.assert_paid_once(8)
    sizes = [len(job["data"]) for job in world.fake.batches.batches.values() if "data" in job]
    assert world.fake.batches.created == 2, sizes


def test_a_batch_without_an_output_file_is_read_all_the_same(world: World) -> None:
    world.fake.batches.fates.append("complete:0")
    world.judge().submit(subjects(3), world.taxonomy)
    got = world.judge().collect(world.keep)
    assert (got.verdicts, got.missing) == (0, 3)


def test_bad_answers_are_asked_once_more_and_then_given_up(world: World) -> None:
    world.fake.batches.spoilt = {"ref-00001": "refusal", "ref-00002": "wrong_enum"}
    batch = subjects(5)
    world.until_done(batch, 2)
    assert len(world.judged) == 3
    last = world.judge().submit(world.pending(batch), world.taxonomy)
    assert last.conversations == 0
    assert {each.item for each in last.defects} == {"chatgpt:00001", "chatgpt:00002"}
    assert world.fake.times_answered("ref-00001") == 2
    assert world.fake.times_answered("ref-00000") == 1


def test_a_bad_answer_spoils_no_other_in_its_request(world: World) -> None:
    world.fake.batches.spoilt = {"ref-00001": "wrong_enum"}
    judge = world.judge(plan=None)
    assert judge.submit(subjects(2), world.taxonomy).requests == 1
    got = judge.collect(world.keep)
    assert (got.verdicts, [each.item for each in got.defects]) == (1, ["chatgpt:00001"])
    assert list(world.judged) == ["chatgpt:00000"]


def test_a_queue_that_is_full_makes_smaller_batches(world: World) -> None:
    world.fake.batches.enqueued_limit = 20_000
    world.until_done(subjects(60), 12)
    world.assert_paid_once(60)


def test_limits_of_a_file_and_of_the_queue(world: World) -> None:
    judge = world.judge(limits=Limits(requests=3))
    assert len(judge.submit(subjects(8), world.taxonomy).batches) == 3
    tight = world.judge(limits=Limits(enqueued_tokens=1))
    sent = tight.submit(subjects(20), world.taxonomy)
    assert (sent.conversations, sent.under_way, sent.waiting) == (0, 8, 12)
    small = world.judge(limits=Limits(bytes=6000))
    assert len(small.submit(subjects(20), world.taxonomy).batches) > 3
    judge.collect(world.keep)
    world.assert_paid_once(20)


def test_the_cost_limit_bounds_what_is_submitted(world: World) -> None:
    sent = world.judge(max_cost=0.001).submit(subjects(100), world.taxonomy)
    assert 0 < sent.conversations < 100
    assert sent.estimate.cost_usd <= 0.001
    assert sent.waiting == 100 - sent.conversations


def test_a_creation_that_was_not_confirmed_is_found_again(world: World) -> None:
    world.fake.fail("drop_after_create", path="/v1/batches")
    sent = world.judge().submit(subjects(4), world.taxonomy)
    assert sent.batches
    assert world.store.rows()[0]["remote_id"] is None
    world.judge().collect(world.keep)
    world.until_done(subjects(4), 1)
    world.assert_paid_once(4)
    assert world.fake.batches.created == 1


def test_a_creation_that_never_arrived_is_pending_again(world: World) -> None:
    world.fake.fail("drop_before", path="/v1/batches")
    world.judge().submit(subjects(4), world.taxonomy)
    early = world.judge(grace_seconds=60).collect(world.keep)
    assert early.still_open == 1
    assert world.judge().submit(subjects(4), world.taxonomy).under_way == 4
    late = world.judge().collect(world.keep)
    assert late.missing == 4
    world.until_done(subjects(4), 1)
    world.assert_paid_once(4)


def test_an_upload_that_fails_leaves_nothing_under_way(world: World) -> None:
    world.fake.fail("wrong_key", path="/v1/files")
    with pytest.raises(Halt):
        world.judge().submit(subjects(2), world.taxonomy)
    world.until_done(subjects(2), 1)
    world.assert_paid_once(2)


def test_a_crash_while_recording_costs_nothing(world: World) -> None:
    world.judge().submit(subjects(4), world.taxonomy)

    def crash(verdicts: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.judge().collect(crash)
    world.judge().collect(world.keep)
    world.assert_paid_once(4)


def test_files_are_deleted_once_collected(world: World) -> None:
    world.until_done(subjects(3), 1)
    assert not world.fake.batches.files


def test_a_batch_of_a_dead_model_halts_and_is_pending_again(world: World) -> None:
    world.judge().submit(subjects(2), world.taxonomy)
    del world.fake.models["gpt-6-luna"]
    with pytest.raises(Halt, match="not offered"):
        world.judge().collect(world.keep)
    assert world.store.rows()[0]["finished_at"] is not None


def test_a_service_that_is_away_is_tried_later(world: World) -> None:
    world.judge().submit(subjects(2), world.taxonomy)
    world.fake.fail("wrong_key", path="/v1/batches")
    with pytest.raises(Halt):
        world.judge().collect(world.keep)
    world.fake.fail("drop_before", 1, path="/v1/batches")
    world.judge().collect(world.keep)
    world.assert_paid_once(2)


def test_no_text_is_kept_in_the_archive(world: World) -> None:
    world.judge().submit(subjects(3), world.taxonomy)
    assert "ref-0000" not in str(world.store.rows())


def test_batches_are_remembered_on_both_dialects(archive: Archive) -> None:
    store = ArchiveBatches(archive)
    row = {"id": "b", "remote_id": None, "input_file_id": None, "sha256": "x", "status": "recorded"}
    store.save({**row, "requests": "{}", "submitted_at": 1, "finished_at": None})
    store.save({**row, "requests": "{}", "submitted_at": 1, "finished_at": 2, "status": "completed"})
    assert [(each["status"], each["finished_at"]) for each in store.rows()] == [("completed", 2)]
    assert ArchiveBatches(archive.of("somebody")).rows() == []


def test_a_network_that_is_gone_is_retryable(world: World) -> None:
    judge = world.judge(tries=1)
    world.fake.fail("drop_before", path="/v1/files")
    with pytest.raises(Retryable):
        judge.submit(subjects(2), world.taxonomy)
    world.until_done(subjects(2), 1)
    world.assert_paid_once(2)

"""What judges that ask a service ask again and what never, where they stop, and what they write down of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from commonplace.categorize.contract import Subject, Taxonomy
from commonplace.categorize.openai.realtime import OpenAIJudge
from commonplace.categorize.receipts import ReceiptsInMemory
from commonplace.errors import Defect, Halt, Retryable
from commonplace.model import Usage, Verdict
from commonplace.openai.limiter import Governor
from commonplace.openai.pricing import Price
from tests.categorize.openai.conftest import NAMES, ONE_EACH, defects, subjects, verdicts
from tests.fakes.openai import FakeOpenAI, conversations_in

Make = Callable[..., OpenAIJudge]


class Kept(ReceiptsInMemory):
    """Receipts that a test can look at."""

    def __init__(self, fake: FakeOpenAI | None = None) -> None:
        super().__init__()
        self.fake = fake
        self.kept_before: list[int] = []
        self.verdicts: list[Verdict] = []
        self.given_up: list[Defect] = []
        self.asked: list[tuple[list[str], float]] = []
        self.ends: dict[int, float | str] = {}
        self.sent_too_early = 0

    def asking(self, subjects: Sequence[Subject], most: Usage) -> int:
        number = super().asking(subjects, most)
        self.kept_before.append(len(self.verdicts))
        self.asked.append(([subject.conversation_id for subject in subjects], most.cost_usd))
        self.sent_too_early += self.fake is not None and len(self.fake.seen) >= len(self.asked)
        return number

    def answered(self, request: int, usage: Usage) -> None:
        super().answered(request, usage)
        self.ends[request - 1] = usage.cost_usd or "refused"

    def lost(self, request: int) -> None:
        super().lost(request)
        self.ends[request - 1] = "lost"

    def keep(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    def give_up(self, defect: Defect) -> None:
        self.given_up.append(defect)


@pytest.mark.parametrize(
    "kind", ["wrong_enum", "wrong_confidence", "wrong_index", "missing_item", "truncated", "prose", "not_http_json"]
)
def test_a_bad_answer_is_asked_again_alone(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy, kind: str) -> None:
    fake.fail(kind)  # type: ignore[arg-type]
    answers = openai_judge().judge(subjects(4), taxonomy)
    assert [answer.category for answer in verdicts(answers)] == [NAMES[number % 3] for number in range(4)]
    asked = conversations_in(fake.requests_to("/v1/responses"))
    assert asked[0] == 4
    assert set(asked[1:]) == {1}
    spoilt = 4 if kind in {"prose", "not_http_json"} else 1
    assert len(asked) - 1 == spoilt, "what was answered well is not asked again"


@pytest.mark.parametrize("kind", ["refusal", "filtered", "wrong_enum", "truncated", "prose"])
def test_bad_twice_is_a_defect_and_spoils_no_other(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy, kind: str
) -> None:
    fake.fail(kind, 2, mentions="ref-00002")  # type: ignore[arg-type]
    answers = openai_judge(plan=ONE_EACH).judge(subjects(5), taxonomy)
    assert [each.item for each in defects(answers)] == ["chatgpt:00002"]
    assert "twice" in defects(answers)[0].reason
    assert len(verdicts(answers)) == 4
    assert fake.times_answered("ref-00002") == 2
    assert all(fake.times_answered(f"ref-0000{number}") == 1 for number in (0, 1, 3, 4))


def test_a_cut_off_answer_is_asked_again_with_more_room(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy
) -> None:
    fake.fail("truncated")
    openai_judge().judge(subjects(1), taxonomy)
    first, second = (request.body["max_output_tokens"] for request in fake.requests_to("/v1/responses"))
    assert second == 2 * first


@pytest.mark.parametrize("kind", ["error_500", "rate_limit", "drop_before"])
def test_what_was_not_answered_is_tried_again(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy, kind: str
) -> None:
    fake.fail(kind, 3)  # type: ignore[arg-type]
    answers = openai_judge().judge(subjects(3), taxonomy)
    assert len(verdicts(answers)) == 3
    assert len(fake.requests_to("/v1/responses")) == 4
    assert all(fake.times_answered(f"ref-0000{number}") == 1 for number in range(3))


def test_a_storm_of_refusals_is_waited_out_as_told(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy) -> None:
    fake.fail("rate_limit", 8, retry_after="0.05")
    answers = openai_judge(plan=ONE_EACH).judge(subjects(16), taxonomy)
    assert len(verdicts(answers)) == 16
    requests = fake.requests_to("/v1/responses")
    assert len(requests) == 16 + 8
    last = max(request.at for request in requests)
    assert last - min(request.at for request in requests if request.status == 429) >= 0.045
    assert sum(fake.answered.values()) == 16


def test_a_service_that_stays_down_ends_the_batch_soon(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy
) -> None:
    fake.fail("error_500", 10_000)
    with pytest.raises(Retryable, match="HTTP 500"):
        openai_judge(plan=ONE_EACH, concurrency=2).judge(subjects(40), taxonomy)
    assert len(fake.requests_to("/v1/responses")) <= (3 + 2) * 6


def test_a_network_that_goes_away_keeps_what_was_answered(openai_judge: Make, taxonomy: Taxonomy) -> None:
    with FakeOpenAI() as fake:
        fake.fail("drop_before", 10_000, mentions="ref-00004")
        answers = openai_judge(server=fake, plan=ONE_EACH, concurrency=1).judge(subjects(6), taxonomy)
    assert len(verdicts(answers)) == 5
    assert "could not be reached" in defects(answers)[0].reason


def test_nobody_there_is_retryable(openai_judge: Make, taxonomy: Taxonomy) -> None:
    with FakeOpenAI() as gone:
        judge = openai_judge(server=gone)
    with pytest.raises(Retryable, match="could not be reached"):
        judge.judge(subjects(2), taxonomy)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("quota", "quota is used up"),
        ("wrong_key", "does not accept the key"),
        ("forbidden", "not allowed"),
        ("model_gone", "is not offered"),
    ],
)
def test_what_no_request_would_survive_halts_at_once(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy, kind: str, says: str
) -> None:
    fake.fail(kind, 10_000)  # type: ignore[arg-type]
    judge = openai_judge(plan=ONE_EACH, concurrency=2)
    with pytest.raises(Halt, match=says) as raised:
        judge.judge(subjects(30), taxonomy)
    assert raised.value.hint
    assert len(fake.requests_to("/v1/responses")) <= 2
    with pytest.raises(Halt):
        judge.judge(subjects(1), taxonomy)
    assert len(fake.requests_to("/v1/responses")) <= 2, "a halted judge sends nothing more"


def test_a_quota_that_ends_halfway_keeps_what_was_paid_for(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy
) -> None:
    fake.fail("quota", 10_000, mentions="ref-00006")
    judge, kept = openai_judge(plan=ONE_EACH, concurrency=1), Kept()
    with pytest.raises(Halt, match="quota"):
        judge.judge_each(subjects(12), taxonomy, kept)
    assert len(kept.verdicts) == 6
    with pytest.raises(Halt, match="quota"):
        judge.judge(subjects(1), taxonomy)
    fresh = openai_judge(plan=ONE_EACH)
    fake.faults.clear()
    done = {each.conversation_id for each in kept.verdicts}
    fresh.judge([each for each in subjects(12) if each.conversation_id not in done], taxonomy)
    assert set(fake.answered.values()) == {1}


def test_a_dead_model_names_one_that_lives(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy) -> None:
    with pytest.raises(Halt, match="gpt-6-luna"):
        openai_judge(model="gpt-4", price=Price(input=1, output=1)).judge(subjects(1), taxonomy)


def test_a_wrong_key_appears_in_no_message(openai_judge: Make, taxonomy: Taxonomy) -> None:
    with pytest.raises(Halt, match="OPENAI_API_KEY") as raised:
        openai_judge(api_key="sk-very-private").judge(subjects(1), taxonomy)
    shown = f"{raised.value!r} {raised.value} {raised.value.__cause__} {raised.value.__context__}"
    assert "sk-very-private" not in shown
    assert "SECRET-ECHO" not in shown
    assert "ref-00000" not in shown


def test_an_answer_is_kept_before_the_next_question_goes_out(openai_judge: Make, taxonomy: Taxonomy) -> None:
    kept = Kept()
    openai_judge(plan=ONE_EACH, concurrency=1).judge_each(subjects(10), taxonomy, kept)
    assert kept.kept_before == list(range(10))
    assert len({verdict.conversation_id for verdict in kept.verdicts}) == len(kept.verdicts) == 10


def test_a_callback_that_fails_ends_the_asking(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy) -> None:
    class Full(ReceiptsInMemory):
        def keep(self, verdict: Verdict) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        openai_judge(plan=ONE_EACH, concurrency=1).judge_each(subjects(30), taxonomy, Full())
    assert len(fake.requests_to("/v1/responses")) <= 3


def test_the_cost_limit_stops_before_it_is_passed(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy) -> None:
    judge = openai_judge(plan=ONE_EACH, concurrency=4, max_cost=0.001)
    answers = judge.judge(subjects(60), taxonomy)
    assert 0 < judge.usage.cost_usd <= 0.001
    assert 0 < len(verdicts(answers)) < 60
    assert "the limit of $0.00" in defects(answers)[0].reason
    with pytest.raises(Halt, match="the limit of"):
        judge.judge(subjects(1), taxonomy)


@pytest.mark.parametrize("kind", ["refusal", "truncated", "wrong_enum", "prose"])
def test_answers_that_were_no_good_count_against_the_limit(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy, kind: str
) -> None:
    fake.fail(kind, 10_000)  # type: ignore[arg-type]
    judge, kept = openai_judge(plan=ONE_EACH, concurrency=4), ReceiptsInMemory(0.001)
    with pytest.raises(Halt):
        judge.judge_each(subjects(60), taxonomy, kept)
    billed = fake.tokens["input"] * 0.10 + fake.tokens["output"] * 0.50
    assert 0 < billed / 1e6 <= 0.001
    assert judge.usage.cost_usd == pytest.approx(billed / 1e6)


def test_a_budget_that_is_nearly_used_up_waits_for_what_is_under_way(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy
) -> None:
    """What requests may cost at most is set aside, and given back when they cost less."""
    judge = openai_judge(plan=ONE_EACH, concurrency=16, max_cost=0.004)
    assert len(verdicts(judge.judge(subjects(12), taxonomy))) == 12
    assert fake.most_in_flight < 12


def test_a_model_that_cannot_do_it_is_found_out_soon(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy) -> None:
    fake.fail("prose", 10_000)
    with pytest.raises(Halt, match="no answer that can be used, 10 times in a row") as halt:
        openai_judge(plan=ONE_EACH, concurrency=2).judge(subjects(60), taxonomy)
    assert "doctor" in str(halt.value)
    assert len(fake.requests_to("/v1/responses")) <= 12


def test_each_request_is_written_down_before_it_goes_out_and_when_it_has_ended(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy
) -> None:
    fake.fail("rate_limit")
    fake.fail("drop_after", mentions="ref-00002")
    fake.fail("refusal", 2, mentions="ref-00003")
    kept = Kept(fake)
    openai_judge(plan=ONE_EACH, concurrency=1).judge_each(subjects(4), taxonomy, kept)
    assert kept.sent_too_early == 0
    asked = [ids for ids, _ in kept.asked]
    assert sorted(asked) == [[f"chatgpt:0000{n}"] for n in (0, 0, 1, 2, 2, 3, 3)]
    ends = [kept.ends[number] for number in range(len(asked))]
    assert ends.count("refused") == ends.count("lost") == 1
    charged = sum(cost for cost in ends if isinstance(cost, float))
    assert charged > sum(verdict.usage.cost_usd for verdict in kept.verdicts), "bad answers are charged for, too"
    assert [each.item for each in kept.given_up] == ["chatgpt:00003"]


def test_several_threads_share_one_judge(fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy) -> None:
    judge, done = openai_judge(), list[int]()
    batches = [subjects(40)[start : start + 10] for start in range(0, 40, 10)]

    def run(place: int) -> None:
        done.append(len(verdicts(judge.judge(batches[place], taxonomy))))

    threads = [threading.Thread(target=run, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [10] * 4
    assert set(fake.answered.values()) == {1}


def test_limits_that_the_server_names_are_kept(openai_judge: Make, taxonomy: Taxonomy) -> None:
    """Started far too fast, with everything under way at once, it slows down by what the answers say."""
    with FakeOpenAI(requests_per_window=60, window_seconds=1.0, latency=0.01) as fake:
        governor = Governor(60, None, window_seconds=1.0)
        judge = openai_judge(server=fake, plan=ONE_EACH, governor=governor, concurrency=16)
        assert len(verdicts(judge.judge(subjects(90), taxonomy))) == 90
        assert fake.refusals() <= 2


def test_an_answer_that_was_lost_on_its_way_is_asked_for_once_more(
    fake: FakeOpenAI, openai_judge: Make, taxonomy: Taxonomy
) -> None:
    """The service offers no way to ask for it again without paying; nothing but that one request is repeated."""
    fake.fail("drop_after", mentions="ref-00001")
    answers = openai_judge(plan=ONE_EACH).judge(subjects(3), taxonomy)
    assert len(verdicts(answers)) == 3
    assert [fake.times_answered(f"ref-0000{number}") for number in range(3)] == [1, 2, 1]


def test_judges_of_one_account_share_their_limits(openai_judge: Make, taxonomy: Taxonomy) -> None:
    """Each chunk of a run opens a judge of its own."""
    with FakeOpenAI() as fake:
        one, other = (openai_judge(server=fake, governor=None) for _ in range(2))
        assert one.client.governor is other.client.governor
        assert openai_judge(server=fake, model="gpt-5.6-luna", governor=None).client.governor is one.client.governor
        assert openai_judge(server=fake, api_key="sk-other", governor=None).client.governor is not one.client.governor

"""The judge `compatible`: servers that take schemas, refuse them, or ignore them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonplace.categorize.contract import Subject, Taxonomy, Turn
from commonplace.categorize.definitions import shipped
from commonplace.categorize.openai.compatible import CompatibleJudge
from commonplace.categorize.openai.packing import LONGEST_EVIDENCE
from commonplace.errors import Defect, Halt
from commonplace.model import Verdict
from commonplace.openai.pricing import Price
from commonplace.openai.tokens import estimate_tokens
from tests.categorize.openai.conftest import NAMES, subjects
from tests.fakes.openai import FakeOpenAI

Make = Callable[..., CompatibleJudge]
CHAT = "/v1/chat/completions"


def categories(answers: list[Verdict | Defect]) -> list[str]:
    return [answer.category for answer in answers if isinstance(answer, Verdict)]


def test_a_server_that_takes_schemas(fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy) -> None:
    answers = compatible_judge().judge(subjects(6), taxonomy)
    assert categories(answers) == [NAMES[number % 3] for number in range(6)]
    requests = fake.requests_to(CHAT)
    assert len(requests) == 6
    assert all(request.body["response_format"]["json_schema"]["strict"] for request in requests)
    first = answers[0]
    assert isinstance(first, Verdict)
    assert first.judge == "compatible/gpt-6-luna/p2"
    assert first.usage.cost_usd == 0
    assert first.usage.input_tokens > 0
    assert len(first.evidence) == 1
    assert 0 < len(first.evidence[0]) <= LONGEST_EVIDENCE


def test_a_server_that_refuses_schemas_is_asked_without(
    fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy
) -> None:
    fake.refuses_schemas = True
    answers = compatible_judge(concurrency=1).judge(subjects(4), taxonomy)
    assert categories(answers) == [NAMES[number % 3] for number in range(4)]
    with_schema = ["response_format" in request.body for request in fake.requests_to(CHAT)]
    assert with_schema == [True, False, False, False, False]


def test_a_server_that_ignores_schemas_is_still_validated(compatible_judge: Make, taxonomy: Taxonomy) -> None:
    with FakeOpenAI(knows_schemas=False) as fake:
        answers = compatible_judge(server=fake).judge(subjects(4), taxonomy)
        assert categories(answers) == [NAMES[number % 3] for number in range(4)]


@pytest.mark.parametrize("kind", ["fenced", "prose", "truncated", "wrong_enum", "refusal", "filtered"])
def test_one_bad_answer_is_asked_again_once(
    fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy, kind: str
) -> None:
    fake.fail(kind)  # type: ignore[arg-type]
    assert len(categories(compatible_judge().judge(subjects(2), taxonomy))) == 2
    assert len(fake.requests_to(CHAT)) == (2 if kind == "fenced" else 3)


def test_bad_twice_is_a_defect(fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy) -> None:
    fake.fail("prose", 2, mentions="ref-00000")
    answers = compatible_judge().judge(subjects(2), taxonomy)
    assert [type(answer) for answer in answers] == [Defect, Verdict]


def test_a_price_of_ones_own_is_reckoned_with(compatible_judge: Make, taxonomy: Taxonomy) -> None:
    judge = compatible_judge(price=Price(input=1.0, output=2.0))
    judge.judge(subjects(2), taxonomy)
    usage = judge.usage
    assert usage.cost_usd == pytest.approx((usage.input_tokens + 2 * usage.output_tokens) / 1e6)


def test_a_model_the_server_does_not_have_halts(fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy) -> None:
    fake.models = {"llama": None}
    with pytest.raises(Halt, match="not offered"):
        compatible_judge().judge(subjects(2), taxonomy)


@pytest.mark.parametrize("analysis", ["category", "summary", "insights"])
def test_a_tiny_model_can_only_give_answers_that_are_valid(
    fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy, analysis: str
) -> None:
    """Exact counts, the index, the bounds and the lengths are in the schema."""
    fake.is_tiny = True
    answers = compatible_judge(analysis=analysis).judge(subjects(30), taxonomy)
    assert len(categories(answers)) == 30
    assert len(fake.requests_to(CHAT)) == 30
    assert fake.tokens["output"] < 30 * 1200


def test_what_is_asked_fits_into_the_room_that_servers_start_with(fake: FakeOpenAI, compatible_judge: Make) -> None:
    taxonomy = shipped("everyday")
    assert taxonomy
    turns = tuple(Turn("user", f"Turn {number} " + "words of some length " * 300) for number in range(40))
    compatible_judge().judge([Subject(conversation_id="c", content_hash="h", turns=turns)], taxonomy)
    (asked,) = fake.requests_to(CHAT)
    sent = sum(estimate_tokens(message["content"]) for message in asked.body["messages"])
    assert sent + 600 < 4096


def test_a_model_that_cannot_do_it_is_found_out_and_said(compatible_judge: Make, taxonomy: Taxonomy) -> None:
    with FakeOpenAI(knows_schemas=False) as fake:
        fake.is_tiny = True
        with pytest.raises(Halt, match="no answer that can be used"):
            compatible_judge(server=fake).judge(subjects(40), taxonomy)
        assert len(fake.requests_to(CHAT)) <= 14


def test_a_server_that_ignores_schemas_is_shown_an_example_from_then_on(
    compatible_judge: Make, taxonomy: Taxonomy
) -> None:
    with FakeOpenAI(knows_schemas=False) as fake:
        answers = compatible_judge(server=fake, concurrency=1).judge(subjects(4), taxonomy)
        assert len(categories(answers)) == 4
        shown = ["of this shape" in request.body["messages"][0]["content"] for request in fake.requests_to(CHAT)]
    assert shown == [False, True, True, True, True]


def test_an_answer_about_the_only_conversation_needs_no_number(
    fake: FakeOpenAI, compatible_judge: Make, taxonomy: Taxonomy
) -> None:
    fake.fail("wrong_index", 9)
    assert len(categories(compatible_judge().judge(subjects(3), taxonomy))) == 3
    assert len(fake.requests_to(CHAT)) == 3

"""Judges by name: ours and those of other packages, each declaring itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.categorize import registry
from commonplace.categorize.contract import BatchJudge, Judge, Subject, Taxonomy, Turn, Verdict
from commonplace.categorize.definitions import shipped
from commonplace.categorize.kind import Surroundings
from commonplace.config import Environment, PriceSettings, Settings
from commonplace.errors import Halt, Refused
from tests.fakes.openai import FakeOpenAI

PACKAGE = """
import msgspec

from commonplace.categorize.kind import Kind
from commonplace.model import Usage, Verdict


class CoinSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    side: str = "heads"


class Coin:
    def __init__(self, around):
        self.key = f"coin/{around.own.side}"

    def judge(self, batch, taxonomy):
        said = {"category": taxonomy.names[0], "confidence": 0.5, "taxonomy": taxonomy.name}
        said |= {"taxonomy_hash": taxonomy.hash, "judge": self.key, "model": "coin", "prompt_version": "1"}
        return [Verdict(conversation_id=s.conversation_id, content_hash=s.content_hash, **said) for s in batch]

    def estimate(self, batch, taxonomy):
        return Usage()

    def close(self):
        pass


KIND = Kind(about="Tosses a coin.", open=Coin, settings=CoinSettings)
"""


@pytest.fixture
def coin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A judge that another package, installed beside ours, brings."""
    (tmp_path / "coin_judge.py").write_text(PACKAGE)
    about = tmp_path / "coin_judge-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: coin-judge\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[commonplace.judges]\ncoin = coin_judge:KIND\nlocal = coin_judge:KIND\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._all.cache_clear()
    yield "coin"
    monkeypatch.undo()
    sys.modules.pop("coin_judge", None)
    registry._all.cache_clear()
    registry._load.cache_clear()


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def taxonomy() -> Taxonomy:
    found = shipped("everyday")
    assert found
    return found


class Remembered:
    """Batches, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def save(self, row: Any) -> None:
        self.kept[row["id"]] = dict(row)

    def rows(self) -> list[dict[str, Any]]:
        return list(self.kept.values())


def around(home: Path, taxonomy: Taxonomy, environment: dict[str, str], **settings: Any) -> Surroundings:
    return Surroundings(
        settings=Settings(home=home, database_url="", files="", **settings),
        environment=Environment(environment),
        taxonomy=taxonomy,
        batches=Remembered(),
    )


def at(fake: FakeOpenAI) -> dict[str, str]:
    return {"OPENAI_API_KEY": fake.api_key, "OPENAI_BASE_URL": fake.url}


def subject(number: int) -> Subject:
    turns = (Turn("user", f"How do I bake bread? ref-{number}"), Turn("assistant", "With flour and patience."))
    return Subject(conversation_id=f"chatgpt:{number}", content_hash=f"hash-{number}", turns=turns)


@pytest.mark.parametrize("name", ["local", "openai", "compatible", "coin"])
def test_every_judge_answers_each_subject_once_in_the_taxonomys_words(
    tmp_path: Path, fake: FakeOpenAI, taxonomy: Taxonomy, coin: str, name: str
) -> None:
    judge = registry.open_judge(name, around(tmp_path, taxonomy, at(fake)))
    assert isinstance(judge, Judge)
    batch = [subject(number) for number in range(5)]
    judge.estimate(batch, taxonomy)
    assert not fake.seen, "an estimate asks nobody"
    answers = judge.judge(batch, taxonomy)
    judge.close()
    given = [answer for answer in answers if isinstance(answer, Verdict)]
    assert sorted(each.conversation_id for each in given) == [each.conversation_id for each in batch]
    for verdict in given:
        assert verdict.category in taxonomy.names
        assert verdict.runner_up in {*taxonomy.names, None}
        assert 0 <= verdict.confidence <= 1
        assert (verdict.judge, verdict.taxonomy, verdict.taxonomy_hash) == (judge.key, taxonomy.name, taxonomy.hash)


@pytest.mark.parametrize("name", list(registry.KINDS))
def test_what_a_judge_declares_is_what_it_is(tmp_path: Path, fake: FakeOpenAI, taxonomy: Taxonomy, name: str) -> None:
    kind = registry.kind_named(name)
    judge = registry.open_judge(name, around(tmp_path, taxonomy, at(fake)))
    assert isinstance(judge, BatchJudge) is kind.answers_later
    judge.close()


def test_a_judge_of_another_package_has_settings_of_its_own_and_takes_no_name_of_ours(
    tmp_path: Path, taxonomy: Taxonomy, coin: str
) -> None:
    told = around(tmp_path, taxonomy, {}, judges={"coin": {"side": "tails"}})
    assert registry.open_judge(coin, told).key == "coin/tails"
    assert registry.open_judge("local", told).key.startswith("local/")
    wrong = around(tmp_path, taxonomy, {}, judges={"coin": {"sides": 3}})
    with pytest.raises(Refused, match=r"\[judges\.coin\]"):
        registry.open_judge(coin, wrong)


def test_a_name_that_is_none_lists_those_that_are() -> None:
    with pytest.raises(Refused, match="no judge 'locl'") as refused:
        registry.kind_named("locl")
    assert "openai-batch" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("openai", "OPENAI_API_KEY"), ("openai-batch", "OPENAI_API_KEY"), ("compatible", "OPENAI_BASE_URL")],
)
def test_what_is_missing_is_said_when_a_judge_is_opened(
    tmp_path: Path, taxonomy: Taxonomy, name: str, missing: str
) -> None:
    with pytest.raises(Halt) as halt:
        registry.open_judge(name, around(tmp_path, taxonomy, {}))
    assert missing in str(halt.value)
    found = registry.kind_named(name).problems(around(tmp_path, taxonomy, {}).settings, Environment({}))
    assert missing in found[0]


def test_prices_of_the_settings_and_the_limit_of_a_run_reach_the_judge(
    tmp_path: Path, fake: FakeOpenAI, taxonomy: Taxonomy
) -> None:
    told = around(tmp_path, taxonomy, at(fake), prices={"gpt-6-luna": PriceSettings(input=1e6, output=0)})
    for name in ("openai", "compatible"):
        judge = registry.open_judge(name, told)
        assert judge.estimate([subject(1)], taxonomy).cost_usd > 100
        assert isinstance(judge, Judge)
        with pytest.raises(Halt, match="the limit of"):
            judge.judge([subject(1)], taxonomy)
        judge.close()
    assert not fake.requests_to("/v1/responses") + fake.requests_to("/v1/chat")


def test_a_model_at_home_is_asked_one_question_before_it_is_called_well(
    tmp_path: Path, fake: FakeOpenAI, taxonomy: Taxonomy
) -> None:
    told = around(tmp_path, taxonomy, at(fake))
    problems = registry.kind_named("compatible").problems
    assert problems(told.settings, told.environment) == []
    assert len(fake.requests_to("/v1/chat/completions")) == 1
    fake.fail("prose", 9, path="/v1/chat")
    assert "was asked about one conversation" in problems(told.settings, told.environment)[0]

"""What judges would cost is reckoned from the conversations that are here, and nobody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.config import CategorizeSettings, Environment, PriceSettings, Settings
from commonplace.session import Session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.categorizing.prices import of_files, per_thousand
from tests.archive.builders import simple_chat

NOBODY_THERE = Environment({"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})


def session(home: Path, archive: Archive, environment: Environment) -> Session:
    asked = CategorizeSettings(judge="openai", model="house-model")
    prices = {"house-model": PriceSettings(input=2.0, output=8.0)}
    return Session(
        Settings(home=home, database_url="", files="", categorize=asked, prices=prices), environment, archive
    )


def test_each_judge_has_its_price_and_longer_conversations_cost_more(tmp_path: Path, sqlite_archive: Archive) -> None:
    asked = session(tmp_path, sqlite_archive, NOBODY_THERE)
    merge(sqlite_archive, None, [simple_chat("rye", "How long does it rise?", updated=1)])
    short = dict(per_thousand(asked))
    merge(sqlite_archive, None, [simple_chat("rye", "How long does it rise?", "An hour. " * 200, updated=2)])
    longer = dict(per_thousand(asked))
    assert short["local"] == 0
    assert 0 < (short["openai"] or 0) < (longer["openai"] or 0)


def test_what_is_in_a_file_has_its_price_before_it_is_here(tmp_path: Path, sqlite_archive: Archive) -> None:
    asked = session(tmp_path, sqlite_archive, NOBODY_THERE)
    files = [tmp_path / name for name in ("one.zip", "two.zip")]
    for file in files:
        write_sample(file)
    one, both = of_files(asked, "openai", files[:1]), of_files(asked, "openai", files)
    assert (one.conversations, both.conversations, one.is_all) == (60, 120, True)
    assert one.cost_usd
    assert both.cost_usd == pytest.approx(2 * one.cost_usd, rel=0.05)
    assert of_files(asked._replace(environment=Environment({})), "openai", files).cost_usd is None


def test_a_judge_that_cannot_be_asked_has_no_price(tmp_path: Path, sqlite_archive: Archive) -> None:
    found = dict(per_thousand(session(tmp_path, sqlite_archive, Environment({}))))
    assert (found["local"], found["openai"]) == (0, None)

"""From the settings to a judge: what is missing is said before anything is asked or paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.archive.core import Archive
from commonplace.config import CategorizeSettings, Environment, PriceSettings, Settings
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.categorizing.judges import open_judging

ENVIRONMENT = Environment({"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})


def settings(home: Path, prices: dict[str, PriceSettings]) -> Settings:
    asked = CategorizeSettings(judge="openai", model="house-model")
    return Settings(home=home, database_url="", files="", categorize=asked, prices=prices)


def test_a_model_without_a_price_is_not_asked_and_the_hint_says_where_prices_go(
    tmp_path: Path, sqlite_archive: Archive
) -> None:
    with (
        pytest.raises(Refused, match="price of the model 'house-model'") as refused,
        open_judging(Session(settings(tmp_path, {}), ENVIRONMENT, sqlite_archive)),
    ):
        pass
    assert '[prices."house-model"]' in str(refused.value.hint)


def test_a_price_that_the_settings_tell_is_reckoned_with(tmp_path: Path, sqlite_archive: Archive) -> None:
    told = {"house-model": PriceSettings(input=2.0, output=8.0)}
    with open_judging(Session(settings(tmp_path, told), ENVIRONMENT, sqlite_archive)) as judging:
        price = judging.judge.price  # type: ignore[attr-defined]
    assert (price.input, price.output, price.cached) == (2.0, 8.0, None)

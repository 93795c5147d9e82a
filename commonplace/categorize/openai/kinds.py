"""What the judges that ask a model say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonplace.categorize.kind import Kind, Surroundings
from commonplace.config import Environment, Settings
from commonplace.openai.client import Client, account_of
from commonplace.openai.pricing import price_to_reckon_with

if TYPE_CHECKING:
    from commonplace.categorize.openai.batch import OpenAIBatches
    from commonplace.categorize.openai.compatible import CompatibleJudge
    from commonplace.categorize.openai.realtime import OpenAIJudge

FEW_SHOT = 40
"""Corrections that a model is shown as examples, at most."""


def _client(around: Surroundings, *, needs_address: bool = False) -> Client:
    account = account_of(around.settings, around.environment, needs_address=needs_address)
    account.check()
    return Client(account, check=around.check)


def _open_openai(around: Surroundings) -> OpenAIJudge:
    from commonplace.categorize.openai.realtime import OpenAIJudge

    return OpenAIJudge(
        _client(around),
        around.wanted.model,
        analysis=around.wanted.analysis,
        price=price_to_reckon_with(around.wanted.model, around.settings),
        max_cost=around.most,
        lessons=around.lessons(FEW_SHOT),
        concurrency=around.settings.openai.concurrency,
    )


def _open_batches(around: Surroundings) -> OpenAIBatches:
    from commonplace.categorize.openai.batch import OpenAIBatches

    assert around.batches is not None, "whoever opens this judge gives it a place to remember"
    return OpenAIBatches(
        _client(around),
        around.batches,
        around.wanted.model,
        analysis=around.wanted.analysis,
        price=price_to_reckon_with(around.wanted.model, around.settings),
        max_cost=around.most,
        lessons=around.lessons(FEW_SHOT),
    )


def _open_compatible(around: Surroundings) -> CompatibleJudge:
    from commonplace.categorize.openai.compatible import CompatibleJudge

    return CompatibleJudge(
        _client(around, needs_address=True),
        around.wanted.model,
        analysis=around.wanted.analysis,
        price=price_to_reckon_with(around.wanted.model, around.settings, is_own=True),
        max_cost=around.most,
        lessons=around.lessons(FEW_SHOT),
        concurrency=around.settings.openai.concurrency,
    )


def _problems(settings: Settings, environment: Environment, *, needs_address: bool = False) -> list[str]:
    from commonplace.openai.models import problems_with_model

    account = account_of(settings, environment, needs_address=needs_address)
    return problems_with_model(account, settings.categorize.model)


def _problems_at_home(settings: Settings, environment: Environment) -> list[str]:
    return _problems(settings, environment, needs_address=True)


OPENAI = Kind(about="A model at OpenAI, answered at once.", open=_open_openai, problems=_problems)
OPENAI_BATCH = Kind(
    about="The same at half the price, within a day.", open=_open_batches, problems=_problems, answers_later=True
)
COMPATIBLE = Kind(
    about="A model at any server that speaks like OpenAI (Ollama, LM Studio, vLLM, llama.cpp).",
    open=_open_compatible,
    problems=_problems_at_home,
)

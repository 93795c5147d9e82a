"""What the judges that ask a model say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonplace.categorize.contract import Subject, Turn
from commonplace.categorize.definitions import shipped
from commonplace.categorize.kind import Kind, Surroundings
from commonplace.config import Environment, Settings
from commonplace.errors import CommonplaceError, Defect
from commonplace.openai.client import Client, account_of
from commonplace.openai.pricing import price_to_reckon_with

if TYPE_CHECKING:
    from commonplace.categorize.openai.batch import OpenAIBatches
    from commonplace.categorize.openai.compatible import CompatibleJudge
    from commonplace.categorize.openai.realtime import OpenAIJudge

FEW_SHOT = 40
"""Corrections that a model is shown as examples, at most."""
SAMPLE = Subject(
    conversation_id="sample",
    content_hash="sample",
    title="Sourdough",
    turns=(
        Turn("user", "My bread is dense and does not rise. I use rye flour and a young starter. What can I change?"),
        Turn("assistant", "Feed the starter twice a day for a week first, and mix in a third of wheat flour."),
    ),
)


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
        tags=around.tags(),
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
        tags=around.tags(),
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
        tags=around.tags(),
        concurrency=around.settings.openai.concurrency,
    )


def _problems(settings: Settings, environment: Environment, *, needs_address: bool = False) -> list[str]:
    from commonplace.openai.models import problems_with_model

    account = account_of(settings, environment, needs_address=needs_address)
    return problems_with_model(account, settings.categorize.model)


def _problems_at_home(settings: Settings, environment: Environment) -> list[str]:
    """A model at home may be there and still not be able to do it: so it is asked one question."""
    found = _problems(settings, environment, needs_address=True)
    taxonomy = shipped(settings.categorize.taxonomy) or shipped("everyday")
    if found or taxonomy is None:
        return found
    judge = _open_compatible(Surroundings(settings=settings, environment=environment, taxonomy=taxonomy))
    try:
        (answer,) = judge.judge([SAMPLE], taxonomy)
    except CommonplaceError as error:
        return [str(error)]
    finally:
        judge.close()
    model = settings.categorize.model
    return [f"{model} was asked about one conversation: {answer.reason}."] if isinstance(answer, Defect) else []


OPENAI = Kind(about="A model at OpenAI, answered at once.", open=_open_openai, problems=_problems)
OPENAI_BATCH = Kind(
    about="The same at half the price, within a day.", open=_open_batches, problems=_problems, answers_later=True
)
COMPATIBLE = Kind(
    about="A model at any server that speaks like OpenAI (Ollama, LM Studio, vLLM, llama.cpp).",
    open=_open_compatible,
    problems=_problems_at_home,
)

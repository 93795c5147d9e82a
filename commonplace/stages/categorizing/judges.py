"""From the settings to a judge, a taxonomy and the answers that were bought before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from commonplace.archive.core import Archive
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.contract import Judge, Taxonomy
from commonplace.config import Environment, Settings
from commonplace.errors import Halt, Refused
from commonplace.stages.categorizing.learning import learned_lessons
from commonplace.stages.categorizing.subjects import lessons
from commonplace.stages.categorizing.taxonomies import taxonomy_named

if TYPE_CHECKING:
    from commonplace.openai.limiter import Governor
    from commonplace.openai.pricing import Price

FEW_SHOT = 40
"""Corrections that are shown to judges that learn from examples in their prompt."""


class Judging(msgspec.Struct, frozen=True):
    """All that judging needs, opened together."""

    judge: Judge
    taxonomy: Taxonomy
    answers: Answers


@contextmanager
def open_judging(
    settings: Settings,
    environment: Environment,
    archive: Archive,
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
) -> Iterator[Judging]:
    """The judge and taxonomy of the settings, or the ones that are named instead."""
    wanted = settings.categorize
    chosen = taxonomy_named(archive, taxonomy or wanted.taxonomy)
    with Answers(answers_path(settings.home)) as answers:
        opened = open_judge(judge or wanted.judge, settings, environment, archive, chosen)
        try:
            yield Judging(opened, chosen, answers)
        finally:
            opened.close()


@cache
def _governor(_account: str, requests_per_minute: int, tokens_per_minute: int, processes: int) -> Governor:
    """One governor per account in this process, so that tasks running at once share its limits."""
    from commonplace.openai.limiter import Governor

    return Governor(requests_per_minute, tokens_per_minute, processes=processes)


def told_price(settings: Settings) -> Price | None:
    """What the settings say that the judge's model costs."""
    from commonplace.openai.pricing import Price

    told = settings.prices.get(settings.categorize.model)
    return Price(input=told.input, output=told.output, cached=told.cached) if told else None


def open_judge(
    name: str,
    settings: Settings,
    environment: Environment,
    archive: Archive,
    taxonomy: Taxonomy,
) -> Judge:
    """A judge by name. `Halt` with what to do where a key or address is missing."""
    wanted = settings.categorize
    match name:
        case "local":
            from commonplace.categorize.local import LocalJudge

            return LocalJudge(
                settings.home / "models", lessons=learned_lessons(archive, taxonomy), analysis=wanted.analysis
            )
        case "openai" | "openai-batch":
            from commonplace.categorize.openai import OpenAIJudge, connect

            key, address = environment.get("OPENAI_API_KEY"), environment.get("OPENAI_BASE_URL")
            client = connect(key, base_url=address)
            account = blake2b(f"{key} {address}".encode(), digest_size=8).hexdigest()
            return OpenAIJudge(
                client,
                wanted.model,
                analysis=wanted.analysis,
                price=told_price(settings),
                lessons=lessons(archive, taxonomy.name, newest=FEW_SHOT),
                governor=_governor(
                    account, wanted.requests_per_minute, wanted.tokens_per_minute, settings.runs.processes
                ),
                max_cost=wanted.max_cost,
            )
        case "compatible":
            from commonplace.categorize.openai import CompatibleJudge, connect_compatible

            address = environment.get("OPENAI_BASE_URL")
            if not address:
                raise Halt(
                    "The judge `compatible` needs an address.",
                    hint="Set OPENAI_BASE_URL, e.g. http://localhost:11434/v1.",
                )
            return CompatibleJudge(
                connect_compatible(address, environment.get("OPENAI_API_KEY")),
                wanted.model,
                analysis=wanted.analysis,
                price=told_price(settings),
                lessons=lessons(archive, taxonomy.name, newest=FEW_SHOT),
            )
        case _:
            raise Refused(f"There is no judge {name!r}.", hint="Use local, openai, openai-batch or compatible.")

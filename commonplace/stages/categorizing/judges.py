"""From the settings to a judge, a taxonomy and the answers that were bought before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from commonplace.archive.core import Archive
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.contract import Judge, Taxonomy
from commonplace.config import Environment, Settings
from commonplace.errors import Refused
from commonplace.openai.client import Client, account_of
from commonplace.openai.pricing import price_to_reckon_with
from commonplace.stages.categorizing.learning import learned_lessons
from commonplace.stages.categorizing.subjects import lessons
from commonplace.stages.categorizing.taxonomies import taxonomy_named

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
            from commonplace.categorize.openai import OpenAIJudge

            account = account_of(settings, environment)
            account.check()
            return OpenAIJudge(
                Client(account, check=archive.check),
                wanted.model,
                analysis=wanted.analysis,
                price=price_to_reckon_with(wanted.model, settings),
                lessons=lessons(archive, taxonomy.name, newest=FEW_SHOT),
                concurrency=settings.openai.concurrency or 48,
                max_cost=wanted.max_cost,
            )
        case "compatible":
            from commonplace.categorize.openai import CompatibleJudge

            account = account_of(settings, environment, needs_address=True)
            account.check()
            return CompatibleJudge(
                Client(account, check=archive.check),
                wanted.model,
                analysis=wanted.analysis,
                price=price_to_reckon_with(wanted.model, settings, is_own=True),
                lessons=lessons(archive, taxonomy.name, newest=FEW_SHOT),
                concurrency=settings.openai.concurrency or 4,
            )
        case _:
            raise Refused(f"There is no judge {name!r}.", hint="Use local, openai, openai-batch or compatible.")

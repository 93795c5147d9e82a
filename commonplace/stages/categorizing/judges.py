"""From the settings to a judge, a taxonomy and the answers that were bought before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.categorize import registry
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.contract import BatchJudge, Judge, Taxonomy
from commonplace.categorize.kind import Surroundings
from commonplace.config import Environment, Settings
from commonplace.errors import Refused
from commonplace.stages.categorizing.learning import learned_lessons
from commonplace.stages.categorizing.subjects import lessons
from commonplace.stages.categorizing.taxonomies import taxonomy_named


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
    max_cost: float | None = None,
) -> Iterator[Judging]:
    """The judge and taxonomy of the settings, or the ones that are named instead."""
    name = judge or settings.categorize.judge
    chosen = taxonomy_named(archive, taxonomy or settings.categorize.taxonomy)
    with Answers(answers_path(settings.home)) as answers:
        opened = registry.open_judge(name, surroundings(settings, environment, archive, chosen, max_cost))
        try:
            if isinstance(opened, BatchJudge):
                raise Refused(f"The judge {name} answers later and cannot be waited for.", hint="Use another judge.")
            yield Judging(opened, chosen, answers)
        finally:
            opened.close()


def surroundings(
    settings: Settings, environment: Environment, archive: Archive, taxonomy: Taxonomy, max_cost: float | None = None
) -> Surroundings:
    """What any judge is opened with."""
    return Surroundings(
        settings=settings,
        environment=environment,
        taxonomy=taxonomy,
        lessons=lambda newest: lessons(archive, taxonomy.name, newest=newest),
        learned=lambda: learned_lessons(archive, taxonomy),
        batches=ArchiveBatches(archive),
        check=archive.check,
        max_cost=max_cost,
    )

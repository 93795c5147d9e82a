"""From the settings to a judge, a taxonomy and the answers that were bought before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Generic, TypeVar
from uuid import uuid4

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.batches import ArchiveBatches
from commonplace.categorize import registry
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.contract import BatchJudge, Judge, Taxonomy
from commonplace.categorize.kind import Surroundings
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages.categorizing.directions import meaning_for
from commonplace.stages.categorizing.learning import what_is_learned
from commonplace.stages.categorizing.pending import REVIEW_BELOW
from commonplace.stages.categorizing.recurrence import known_recurring, tags_in_use
from commonplace.stages.categorizing.subjects import lessons
from commonplace.stages.categorizing.taxonomies import taxonomy_named

J = TypeVar("J", bound="Judge | BatchJudge")


class Judging(msgspec.Struct, Generic[J], frozen=True, kw_only=True):
    """All that the steps of judging need, opened together."""

    archive: Archive
    judge: J
    taxonomy: Taxonomy
    answers: Answers
    run: str = ""
    """Whose money it is (categorize/spending.py)."""
    max_cost: float | None = None
    review_below: float = REVIEW_BELOW
    address: dict[str, Any] = {}


@contextmanager
def open_judging(
    session: Session,
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    max_cost: float | None = None,
    run: str | None = None,
) -> Iterator[Judging[Judge]]:
    """The judge and taxonomy of the settings, or the ones that are named instead; for a run, or for a new one."""
    name = judge or session.settings.categorize.judge
    with _opened(session, name, taxonomy, max_cost, run or uuid4().hex) as using:
        if not isinstance(using.judge, Judge):
            raise Refused(f"The judge {name} answers later and cannot be waited for.", hint="Use another judge.")
        yield using


@contextmanager
def open_batches(
    session: Session,
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    max_cost: float | None = None,
    run: str | None = None,
) -> Iterator[Judging[BatchJudge]]:
    """The same of a judge that answers later. The settings' judge, if it is one that does."""
    name = judge or session.settings.categorize.judge
    if judge is None and not registry.kind_named(name).answers_later:
        name = registry.BATCHES
    with _opened(session, name, taxonomy, max_cost, run or uuid4().hex) as using:
        if not isinstance(using.judge, BatchJudge):
            raise Refused(f"The judge {name} answers at once: there is nothing to collect.")
        yield using


@contextmanager
def _opened(
    session: Session, name: str, taxonomy: str | None, max_cost: float | None, run: str
) -> Iterator[Judging[Any]]:
    settings, environment, archive = session
    chosen = taxonomy_named(archive, taxonomy or settings.categorize.taxonomy)
    around = Surroundings(
        settings=settings,
        environment=environment,
        taxonomy=chosen,
        lessons=lambda newest: lessons(archive, chosen.name, newest=newest),
        learned=lambda: what_is_learned(archive, chosen),
        recurring=lambda: known_recurring(archive),
        meaning=lambda: meaning_for(session),
        tags=lambda: tags_in_use(archive),
        batches=ArchiveBatches(archive),
        check=archive.check,
        max_cost=max_cost,
    )
    with Answers(answers_path(settings.home)) as answers, closing(registry.open_judge(name, around)) as opened:
        yield Judging(
            archive=archive,
            judge=opened,
            taxonomy=chosen,
            answers=answers,
            run=run,
            max_cost=max_cost,
            review_below=settings.categorize.review_below,
            address={"judge": name, "taxonomy": chosen.name, "max_cost": max_cost, "run": run},
        )

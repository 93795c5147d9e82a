"""Writing to a destination in three steps: what happened there comes back, chunks are written, the run is ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from commonplace.archive.conversations import reading
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.categorize.contract import Taxonomy
from commonplace.destinations.contract import Destination, Document, TellsFigures
from commonplace.model import Outcome
from commonplace.session import Session
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.destinations import open_destination
from commonplace.stages.syncing.pending import Rules, pending
from commonplace.stages.syncing.pull import PullReport, pull
from commonplace.stages.syncing.words import words_of


class Syncing(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps of a sync need. The archive is under the lease of the destination's instance."""

    archive: Archive
    destination: Destination
    taxonomy: Taxonomy
    rules: Rules = Rules()
    address: dict[str, Any] = {}


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a step wrote."""

    outcomes: list[Outcome]
    requests: int
    figures: dict[str, float] = {}


@contextmanager
def open_syncing(session: Session, destination: str) -> Iterator[Syncing]:
    """The destination of that name, open. Refused with what to do when it is not set up."""
    settings, environment, archive = session
    with open_destination(settings, environment, archive, destination) as (opened, rules):
        yield Syncing(
            archive=archive,
            destination=opened,
            taxonomy=taxonomy_named(archive, settings.categorize.taxonomy),
            rules=rules,
            address={"destination": destination},
        )


def pull_changes(using: Syncing) -> PullReport:
    """Take over what happened there since the last time."""
    return pull(using.archive, using.destination, using.taxonomy)


def write_chunk(using: Syncing, *, ids: list[str], force: bool) -> Written:
    """Write a chunk of conversations. What became unnecessary or disappeared meanwhile is left out."""
    with _counting(using) as counted:
        outcomes = using.destination.write(
            documents_of(using, ids, force=force), ArchiveLedger(using.archive, using.destination.instance)
        )
    return Written(outcomes=outcomes, **counted)


def documents_of(using: Syncing, ids: Sequence[str], *, force: bool = False) -> list[Document]:
    """The conversations with all that a destination may show of them."""
    archive = using.archive
    hashes, words = _hashes(using, ids), words_of(archive, ids)
    return [
        msgspec.structs.replace(
            _document(filed, hashes[filed.conversation.id], using.taxonomy, force),
            persons=frozenset(words[filed.conversation.id]),
        )
        for filed in reading.load_filed(archive, ids)
        if filed.conversation.id in hashes
    ]


def finish(using: Syncing, *, outcomes: list[dict[str, Any]]) -> Written:
    """After the last chunk: what was queued is sent, and index pages are brought up to date."""
    told = msgspec.convert(outcomes, list[Outcome])
    with _counting(using) as counted:
        sent = using.destination.finish(told, ArchiveLedger(using.archive, using.destination.instance))
    return Written(outcomes=sent, **counted)


@contextmanager
def _counting(using: Syncing) -> Iterator[dict[str, Any]]:
    """What the destination counts while it works, filled in at the end."""
    requests, figures = using.destination.requests_sent, figures_of(using.destination)
    counted: dict[str, Any] = {}
    yield counted
    counted["requests"] = using.destination.requests_sent - requests
    counted["figures"] = {name: value - figures.get(name, 0) for name, value in figures_of(using.destination).items()}


def figures_of(destination: Destination) -> dict[str, float]:
    """What it counted so far beside requests; nothing where it counts nothing else."""
    tells = destination.capabilities.supports_figures
    return dict(cast(TellsFigures, destination).figures) if tells else {}


def _hashes(using: Syncing, ids: Sequence[str]) -> dict[str, str]:
    selection = Selection(ids=tuple(ids), force=True)
    found = pending(using.archive, using.destination, selection, Rules(minimum_messages=0))
    return {item.conversation_id: item.input_hash for item in found}


def _document(filed: reading.Filed, input_hash: str, taxonomy: Taxonomy, force: bool) -> Document:
    look = taxonomy.get(filed.category) if filed.category else None
    return Document(
        conversation=msgspec.structs.replace(filed.conversation, title=filed.title),
        category_colour=look.colour if look and look.colour != "default" else None,
        category_emoji=look.emoji if look else None,
        input_hash=input_hash,
        category=filed.category,
        tags=filed.tags,
        summary=filed.summary,
        language=filed.language,
        confidence=filed.confidence,
        insights=filed.insights,
        project_id=filed.project_id,
        project_name=filed.project_name,
        is_forced=force,
    )

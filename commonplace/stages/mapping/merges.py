"""Projects that seem to be one under several ids: proposed with what speaks for it, accepted, refused, taken back.

Accepting is merging (archive/projects/history.py), so that each can be undone by itself. What was refused is
remembered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np

from commonplace.archive.core import Archive
from commonplace.archive.memory import change, recall_as
from commonplace.archive.projects import history, lookup, names, registry, vectors
from commonplace.archive.projects.registry import Listed
from commonplace.errors import Refused
from commonplace.projects import merging, similarity, terms
from commonplace.stages.mapping import similar

_SAME_NAME = 0.9
"""How sure two projects of one name are, whatever they speak of."""
_GIVEN = ("person", "sidebar", "title")
"""Names that somebody gave. Those that were made from words say nothing that the words do not."""
_NUMBERED = re.compile(r" \(\d+\)$")


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """`source` would become part of `target`, the larger one."""

    source: str
    source_name: str
    target: str
    target_name: str
    confidence: float
    likeness: float
    has_same_name: bool
    conversations: tuple[int, int]
    titles: tuple[list[str], list[str]]
    """Of both, to look at."""


def proposals(archive: Archive, *, above: float = 0.0) -> list[Proposed]:
    """Which projects may be one, the surest first, those that a person refused aside."""
    similar.compute(archive, similar.needing_vectors(archive, []))
    taught = list(vectors.described(archive, terms.KIND, registry.sorted_ids(archive)))
    ids = sorted({row.project_id for row in taught})
    number = {id: place for place, id in enumerate(ids)}
    weight = similarity.weights(*similarity.document_frequencies(vectors.vectors(archive, terms.KIND)))
    rows = similarity.vectors([row.vector or b"" for row in taught], weight)
    owners = np.array([number[row.project_id] for row in taught], dtype=np.int64)
    listed = {one.id: one for one in registry.list_projects(archive)}
    refused = _refused(archive)
    found = {}
    for pair in merging.pairs(rows, owners, len(ids)):
        one, other = ids[pair.first], ids[pair.second]
        if one in listed and other in listed:
            found[_key(one, other)] = _proposed(listed[one], listed[other], pair.confidence, pair.likeness)
    for one, other in _namesakes(list(listed.values())):
        found.setdefault(_key(one.id, other.id), _proposed(one, other, 0.0, 0.0))
    kept = [each for key, each in found.items() if key not in refused and each.confidence >= above]
    return sorted(kept, key=lambda each: (-each.confidence, each.source))


def accept(archive: Archive, *, above: float) -> list[history.Event]:
    """Merge all that are this sure; one event for each, which can be undone."""
    events, into = [], dict[str, str]()
    for each in proposals(archive, above=above):
        source, target = _now(into, each.source), _now(into, each.target)
        if source != target:
            events.append(history.merge(archive, source, target))
            into[source] = target
    return events


def refuse(archive: Archive, typed: Sequence[str]) -> tuple[str, str]:
    """These two are not one; it is not proposed again."""
    if len(typed) != 2:
        raise Refused("Which two projects are not one?", hint="Name both.")
    one, other = (lookup.find_project(archive, each).id for each in typed)
    change(archive, _memory(archive), list[str], lambda refused: sorted({*refused, _key(one, other)}))
    return one, other


def _proposed(one: Listed, other: Listed, confidence: float, likeness: float) -> Proposed:
    source, target = sorted((one, other), key=lambda each: (each.conversations, names.RANK[each.name_source], each.id))
    is_given = one.name_source in _GIVEN and other.name_source in _GIVEN
    has_same_name = is_given and _plain(one.name) == _plain(other.name)
    return Proposed(
        source=source.id,
        source_name=source.name,
        target=target.id,
        target_name=target.name,
        confidence=round(max(confidence, _SAME_NAME if has_same_name else 0.0), 4),
        likeness=round(likeness, 4),
        has_same_name=has_same_name,
        conversations=(source.conversations, target.conversations),
        titles=(source.sample_titles, target.sample_titles),
    )


def _namesakes(listed: Sequence[Listed]) -> list[tuple[Listed, Listed]]:
    by_name: dict[str, list[Listed]] = {}
    for each in listed:
        if each.name_source in _GIVEN:
            by_name.setdefault(_plain(each.name), []).append(each)
    return [(same[0], other) for same in by_name.values() for other in same[1:]]


def _plain(name: str) -> str:
    return _NUMBERED.sub("", " ".join(name.split())).casefold()


def _key(one: str, other: str) -> str:
    return " ".join(sorted((one, other)))


def _now(into: dict[str, str], project_id: str) -> str:
    while project_id in into:
        project_id = into[project_id]
    return project_id


def _refused(archive: Archive) -> set[str]:
    return recall_as(archive, _memory(archive), set[str]) or set()


def _memory(archive: Archive) -> str:
    return f"merges.refused:{archive.owner}"

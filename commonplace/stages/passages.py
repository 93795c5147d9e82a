"""A chunk of conversations embedded: cut into passages, those that are new given to the model, all of it stored.

What is stored is kept request by request, so that a run that is killed loses at most the one that was under way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from commonplace.archive.core import Archive
from commonplace.archive.search import passages as stored
from commonplace.archive.search.passages import Kind, Place, Placed, Text
from commonplace.errors import Halt
from commonplace.meaning.contract import Embedder, Floats
from commonplace.meaning.passages import READ, Passage, Said, passages
from commonplace.model import Usage
from commonplace.stages.work import Bought

AT_ONCE = 1_000
"""Passages that are given to a model together, or those of one conversation."""


class Embedded(Bought, frozen=True, kw_only=True):
    """What embedding some conversations brought."""

    conversations: int = 0
    embedded: int = 0
    """Passages that a model was given."""
    stored: int = 0
    """Those of them that have a direction: what says nothing in a language that the model knows has none."""


def embed(archive: Archive, embedder: Embedder, ids: Sequence[str], *, is_bought: bool) -> Embedded:
    """Embed what of these conversations has no vector yet."""
    kind = stored.kind_named(archive, embedder.key)
    before, total = embedder.usage, Embedded()
    for group in _groups(_cut(archive, ids, embedder.longest)):
        known = stored.known(archive, kind, [text.key for text, _ in group]) if kind else {}
        new = {
            passage.digest: passage.text
            for text, found in group
            for passage in found
            if passage.digest not in known.get(text.key, {})
        }
        archive.check()
        rows = embedder.embed(list(new.values())) if new else np.zeros((0, 0), dtype=np.float32)
        kind = _kind_of(archive, kind, embedder, rows, is_bought=is_bought)
        if kind is None:  # nothing was said by anybody, so nobody knows how long a vector is
            continue
        made = dict(zip(new, rows, strict=True))
        added = stored.store(
            archive, kind, [_placed(text, found, made | known.get(text.key, {}), kind) for text, found in group]
        )
        total = msgspec.structs.replace(
            total,
            conversations=total.conversations + len(group),
            embedded=total.embedded + len(new),
            stored=total.stored + added,
        )
    return msgspec.structs.replace(total, usage=_spent(before, embedder.usage))


def unembedded(archive: Archive, embedder: Embedder, ids: Sequence[str]) -> list[str]:
    """The texts that `embed` would give to the model."""
    kind = stored.kind_named(archive, embedder.key)
    wanted: list[str] = []
    for group in _groups(_cut(archive, ids, embedder.longest)):
        known = stored.known(archive, kind, [text.key for text, _ in group]) if kind else {}
        for text, found in group:
            wanted += [passage.text for passage in found if passage.digest not in known.get(text.key, {})]
    return wanted


def _cut(archive: Archive, ids: Sequence[str], longest: int) -> Iterator[tuple[Text, list[Passage]]]:
    for text in stored.texts(archive, ids, longest=READ):
        yield text, list(passages(text.title, [Said(each.key, each.text) for each in text.messages], longest=longest))


def _groups(cut: Iterator[tuple[Text, list[Passage]]]) -> Iterator[list[tuple[Text, list[Passage]]]]:
    """Conversations that together have about as many passages as are embedded at once."""
    group: list[tuple[Text, list[Passage]]] = []
    size = 0
    for one in cut:
        group.append(one)
        size += len(one[1])
        if size >= AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _kind_of(archive: Archive, kind: Kind | None, embedder: Embedder, rows: Floats, *, is_bought: bool) -> Kind | None:
    length = rows.shape[1] or embedder.dimensions
    if kind is None:
        return stored.begin(archive, embedder.key, length, is_bought=is_bought) if length else None
    if len(rows) and rows.shape[1] != kind.dimensions:
        raise Halt(
            f"The model answered with {rows.shape[1]} numbers for a text, and with {kind.dimensions} before.",
            hint="It is another model by the same name: set [meaning] model to another one, or the right server.",
        )
    return kind


def _placed(text: Text, found: Sequence[Passage], rows: dict[bytes, Floats], kind: Kind) -> Placed:
    roles = {said.key: said.role for said in text.messages}
    places, directions = [], []
    for passage in found:
        row = rows.get(passage.digest)
        if row is not None and row.any():
            role = None if passage.message_key is None else roles[passage.message_key]
            places.append(Place(passage.message_key, role, passage.start, passage.stop, passage.digest))
            directions.append(row)
    stacked = np.stack(directions) if directions else np.zeros((0, kind.dimensions), dtype=np.float32)
    return Placed(text.key, text.id, text.content_hash, places, stacked)


def _spent(before: Usage, after: Usage) -> Usage:
    return Usage(
        input_tokens=after.input_tokens - before.input_tokens,
        cost_usd=after.cost_usd - before.cost_usd,
    )

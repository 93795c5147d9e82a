"""What conversations mean, for mapping: the directions that `embed` stored, evidence beside the words."""

from __future__ import annotations

from collections.abc import Sequence

from commonplace.archive.core import Archive
from commonplace.archive.search import passages as stored
from commonplace.projects.meanings import ENOUGH
from commonplace.projects.similarity import Floats


def kept(archive: Archive, ids: Sequence[str]) -> Floats | None:
    """A row for each of these conversations, zeros without a direction; None where nothing was embedded."""
    kind = stored.fullest(archive)
    return stored.wholes(archive, kind, ids) if kind is not None else None


def generation(archive: Archive) -> str:
    """Changes when there is another model, about twice as many vectors as before, or for the first time enough."""
    kind = stored.fullest(archive)
    if kind is None:
        return ""
    there = stored.embedded(archive, kind)
    is_enough = stored.coverage(archive, kind) >= ENOUGH
    return f":{kind.kind}:{there.bit_length()}:{'enough' if is_enough else 'few'}"

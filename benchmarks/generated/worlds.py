"""Archives whose truth is known: which conversation belongs to which project, and which words it is made of."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonplace.archive import rows, schema
from commonplace.archive.core import Archive
from commonplace.archive.projects import vectors as features
from commonplace.projects import terms

VOCABULARY = 40_000
DOMAINS = 60
PHASES = 3
IN_PROJECTS, HIDDEN = 0.35, 0.4
CATEGORIES = tuple(f"category {number}" for number in range(15))
START, DAY = 1_680_000_000_000_000, 86_400_000_000
_HEAD = (
    *("key", "owner", "id", "source", "external_id", "title", "created_at", "updated_at", "content_hash"),
    *("project_ref", "message_count", "character_count", "imported_at", "category"),
)


class World:
    """An archive's truth: which conversation belongs where, and which words it is made of."""

    def __init__(self, conversations: int, projects: int, *, seed: int = 7) -> None:
        self.random = np.random.default_rng(seed)
        draw = self.random
        self.projects = projects
        self.truth = np.where(draw.random(conversations) < IN_PROJECTS, _skewed(draw, conversations, projects), -1)
        self.is_hidden = (self.truth >= 0) & (draw.random(conversations) < HIDDEN)
        self.domain = np.where(self.truth >= 0, self.truth % DOMAINS, draw.integers(0, DOMAINS * 2, conversations))
        self.phase = draw.integers(0, PHASES, conversations)
        begun = draw.integers(0, 900, projects)
        span = 20 + 60 * self.phase + draw.integers(0, 60, conversations)
        busy = begun[np.maximum(self.truth, 0)] + span
        self.days = np.where(self.truth >= 0, busy, draw.integers(0, 1100, conversations))
        is_usual = draw.random(conversations) < 0.7
        self.category = np.where(
            is_usual, self.domain % len(CATEGORIES), draw.integers(0, len(CATEGORIES), conversations)
        )
        self.zipf = np.cumsum(1.0 / np.arange(2, VOCABULARY + 2))

    def words(self, place: int) -> NDArray[np.int64]:
        """Everybody's words, its domain's, and its project's and phase's; or those of a subject of its own."""
        draw = self.random
        count = int(np.clip(draw.lognormal(4.6, 0.8), 12, 1200))
        kinds = draw.random(count)
        said = np.searchsorted(self.zipf, draw.random(count) * self.zipf[-1])
        said = words_of_kind(said, kinds < 0.22, draw, 1_000_000 + int(self.domain[place]), 400)
        if self.truth[place] >= 0:
            project = int(self.truth[place])
            said = words_of_kind(said, (kinds >= 0.22) & (kinds < 0.32), draw, 2_000_000 + project, 120)
            subject = 3_000_000 + project * PHASES + int(self.phase[place])
            return words_of_kind(said, (kinds >= 0.32) & (kinds < 0.36), draw, subject, 60)
        return words_of_kind(said, (kinds >= 0.22) & (kinds < 0.36), draw, 4_000_000 + place, 60)


def _skewed(draw: np.random.Generator, count: int, projects: int) -> NDArray[np.int64]:
    """Some projects are large and most are small."""
    share = 1.0 / np.arange(3, projects + 3) ** 0.7
    return draw.choice(projects, size=count, p=share / share.sum())


def words_of_kind(
    said: NDArray[np.int64], chosen: NDArray[np.bool_], draw: np.random.Generator, kind: int, size: int
) -> NDArray[np.int64]:
    """Some words replaced by those of a vocabulary, its first words being its commonest."""
    places = (draw.random(int(chosen.sum())) ** 2 * size).astype(np.int64)
    said[chosen] = VOCABULARY + (kind * 7919 + places * 104729) % 20_000_003
    return said


def fill(archive: Archive, world: World) -> None:
    """Write conversations and their features, as an import and a first `compute` leave them."""
    heads: list[tuple[Any, ...]] = []
    vectors: list[tuple[str, str, bytes]] = []
    for place in range(len(world.truth)):
        said = world.words(place)
        title = [int(word) for word in said[: 2 + place % 4]]
        id, content_hash = f"chatgpt:{place:08d}", blake2b(str(place).encode(), digest_size=8).hexdigest()
        moment = START + int(world.days[place]) * DAY
        project = int(world.truth[place])
        ref = f"g-p-{project:032x}" if project >= 0 and not world.is_hidden[place] else None
        heads.append(
            (
                *(place + 1, archive.owner, id, "chatgpt", f"{place:08d}", " ".join(f"w{word}" for word in title)),
                *(moment, moment, content_hash, ref, 2, 100, moment, CATEGORIES[world.category[place]]),
            )
        )
        counted = Counter({f"w{word}": total for word, total in Counter(said.tolist()).items()})
        counted.update({f"w{word}": terms.TITLE_COUNT for word in title})
        vectors.append((id, content_hash, terms.encode(counted)))
    with archive.write() as connection:
        for start in range(0, len(heads), 5000):
            rows.insert_rows(connection, schema.conversations, _HEAD, heads[start : start + 5000])
    features.store(archive, terms.KIND, vectors)

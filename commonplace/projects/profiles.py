"""What is known of a conversation besides its words: when it was, its category and its tags; and the same of projects.

Evidence that supports similarity and never stands alone. Categories and tags are numbers by hash, so that nothing has
to be remembered of which there were.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

CATEGORIES = 128
TAGS = 256
_CLOSE_MINUTES = 14 * 24 * 60.0
_MINUTE = 60_000_000
_SPAN = 1 << 40
"""More minutes than there are: keeps one project's moments apart from the next one's."""
_HALF_SURE = 2.0
"""So many conversations count as seen of every project, so that one conversation proves nothing."""

Floats = NDArray[np.float32]


class Context(msgspec.Struct, frozen=True):
    """Of many conversations. Minutes are -1 and categories 0 where unknown; tags are rows that add up to 1 or 0."""

    minutes: NDArray[np.int64]
    categories: NDArray[np.int64]
    tags: Floats

    def __getitem__(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Context:
        return Context(self.minutes[chosen], self.categories[chosen], self.tags[chosen])


class Profiles(msgspec.Struct, frozen=True):
    """Of all projects: their moments in one ascending array, and the shares of their categories and tags."""

    moments: NDArray[np.int64]
    sizes: NDArray[np.int64]
    categories: Floats
    tags: Floats


def context(moments: Sequence[int | None], categories: Sequence[str | None], tags: Sequence[Sequence[str]]) -> Context:
    """From what the archive says of conversations; moments are microseconds."""
    tag_rows = np.zeros((len(tags), TAGS), dtype=np.float32)
    for row, own in enumerate(tags):
        for tag in own:
            tag_rows[row, _number(tag, TAGS)] += 1.0 / len(own)
    return Context(
        np.array([-1 if moment is None else moment // _MINUTE for moment in moments], dtype=np.int64),
        np.array([0 if name is None else 1 + _number(name, CATEGORIES - 1) for name in categories], dtype=np.int64),
        tag_rows,
    )


def _number(name: str, size: int) -> int:
    return zlib.crc32(name.casefold().encode("utf-8", "replace")) % size


def profiles(known: Context, owners: NDArray[np.int64], count: int) -> Profiles:
    """What `count` projects are like; `owners` says whose each conversation is."""
    sizes = np.bincount(owners, minlength=count)
    has_moment = known.minutes >= 0
    categories = np.zeros((count, CATEGORIES), dtype=np.float32)
    np.add.at(categories, (owners, known.categories), 1.0)
    categories[:, 0] = 0.0
    tags = np.zeros((count, TAGS), dtype=np.float32)
    np.add.at(tags, owners, known.tags)
    total = (sizes + _HALF_SURE)[:, None]
    return Profiles(
        np.sort(owners[has_moment] * _SPAN + known.minutes[has_moment]),
        sizes,
        (categories / total).astype(np.float32),
        (tags / total).astype(np.float32),
    )


def closeness(known: Profiles, minutes: NDArray[np.int64], projects: NDArray[np.int64]) -> Floats:
    """1 where the project was busy at that very time, towards 0 the further it is away; 0 where nothing is known."""
    if not len(known.moments):
        return np.zeros(projects.shape, dtype=np.float32)
    wanted = projects * _SPAN + minutes[:, None]
    after = np.searchsorted(known.moments, wanted)
    gaps = np.full(projects.shape, np.inf)
    for place in (after - 1, after):
        neighbour = known.moments[np.clip(place, 0, len(known.moments) - 1)]
        is_own = neighbour // _SPAN == projects
        gaps = np.where(is_own, np.minimum(gaps, np.abs(neighbour - wanted)), gaps)
    close = np.where((minutes >= 0)[:, None] & (projects >= 0), np.exp(-gaps / _CLOSE_MINUTES), 0.0)
    return close.astype(np.float32)


def category_share(known: Profiles, categories: NDArray[np.int64], projects: NDArray[np.int64]) -> Floats:
    """The share of the project's conversations that are of the same category."""
    shares = known.categories[np.maximum(projects, 0), categories[:, None]]
    return np.where(projects >= 0, shares, 0.0).astype(np.float32)


def tag_share(known: Profiles, tags: Floats, projects: NDArray[np.int64]) -> Floats:
    """How usual the conversation's tags are in the project."""
    if not tags.any() or not known.tags.any():
        return np.zeros(projects.shape, dtype=np.float32)
    shares = np.take_along_axis(tags @ known.tags.T, np.maximum(projects, 0), axis=1)
    return np.where(projects >= 0, shares, 0.0).astype(np.float32)

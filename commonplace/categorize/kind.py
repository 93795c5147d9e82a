"""What a kind of judge says of itself: what it needs, what it costs, and how it is opened.

Each judge declares itself. The registry, the commands and the stage read that declaration and know nothing else of it,
so adding one touches its folder and a line of the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from commonplace.categorize.contract import BatchJudge, BatchStore, Judge, Learned, Lesson, Meaning, Taxonomy
from commonplace.categorize.local.tagging import Recurring
from commonplace.config import CategorizeSettings, Environment, Settings


class NoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A judge that has no settings of its own beside those of all."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge is opened with."""

    settings: Settings
    environment: Environment
    taxonomy: Taxonomy
    own: Any = NoSettings()
    """The kind's own settings, from `[judges.NAME]`."""
    lessons: Callable[[int], Sequence[Lesson]] = lambda _newest: ()
    """The newest corrections, to show as examples."""
    learned: Callable[[], Learned] = Learned
    """The corrections that were learned from last, for a judge that is trained."""
    recurring: Callable[[], Recurring] = Recurring
    """Words that many conversations of the archive have, and how many."""
    meaning: Callable[[], Meaning | None] = lambda: None
    """Where conversations point, where there is a model that knows."""
    tags: Callable[[], Sequence[str]] = tuple
    """The tags that are in use, the commonest first."""
    batches: BatchStore | None = None
    """Where a judge remembers what it has sent and not got back yet."""
    check: Callable[[], None] = lambda: None
    """To be asked right before each request: raises where this run may not go on."""
    max_cost: float | None = None
    """US dollars that may be spent. None: as the settings say."""

    @property
    def wanted(self) -> CategorizeSettings:
        return self.settings.categorize

    @property
    def most(self) -> float:
        return self.wanted.max_cost if self.max_cost is None else self.max_cost


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of judge."""

    about: str
    """A line on what it is."""
    open: Callable[[Surroundings], Judge | BatchJudge]
    """`Halt`, with what to do, where a key or an address is missing."""
    problems: Callable[[Settings, Environment], list[str]] = lambda _settings, _environment: []
    """What stands in the way of judging, each with what to do. May ask the service."""
    answers_later: bool = False
    """Whether it is a `BatchJudge`."""
    learns: bool = False
    """Whether it is trained on corrections, and has to be told of new ones."""
    settings: type[Any] = NoSettings
    """A msgspec struct for `[judges.NAME]`."""

"""One sitting over what waits for a person: one conversation after the other, and every step can be undone."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.current import words_of
from commonplace.archive.verdicts.proposals import give_up, propose
from commonplace.archive.verdicts.verdicts import Waiting
from commonplace.moments import now
from commonplace.stages.categorizing.reviewing import add_category, correct_conversation, take_back
from commonplace.stages.categorizing.subjects import subjects
from commonplace.stages.categorizing.taxonomies import taxonomy_named

_BEGINNING, _END = 400, 240
"""Characters of the first and of the last thing that the person wrote."""


class _Step(msgspec.Struct):
    """What was done, to be undone: who was sorted into what and when, and where the sitting was."""

    at: int
    sorted: list[str]
    category: str
    until: int


class Round:
    """The conversations of a sitting, in their order."""

    def __init__(
        self, archive: Archive, taxonomy: str, waiting: Sequence[Waiting], *, review_below: float, origin: str = "cli"
    ) -> None:
        self._archive, self._taxonomy, self._below, self._origin = archive, taxonomy, review_below, origin
        self._waiting = list(waiting)
        self._at = 0
        self._steps: list[_Step] = []
        self._began = now()
        self.sorted: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def place(self) -> int:
        """Which one it is, from 1."""
        return self._at + 1

    @property
    def current(self) -> Waiting | None:
        """The one to look at; None at the end."""
        return self._waiting[self._at] if self._at < len(self._waiting) else None

    def choices(self) -> list[str]:
        """The categories, what the judge said first and what it nearly said second."""
        item, names = self.current, taxonomy_named(self._archive, self._taxonomy).names
        guesses = [name for name in (item.category, item.runner_up) if name in names] if item else []
        return list(dict.fromkeys(name for name in [*guesses, *names] if name is not None))

    def alike(self) -> list[str]:
        """Those still to come that the judge was torn about between the same two, with this one."""
        item = self.current
        rest = [each for each in self._waiting[self._at :] if each.id not in self.sorted]
        return [each.id for each in rest if item and _guesses(each) == _guesses(item)]

    def excerpt(self) -> tuple[str, str]:
        """The beginning of what the person wanted, and the end of it where that is something else."""
        item = self.current
        said = subjects(self._archive, [item.id]) if item else []
        texts = [" ".join(turn.text.split()) for subject in said for turn in subject.turns if turn.role == "user"]
        if not texts:
            return "", ""
        return _cut(texts[0], _BEGINNING), _cut(texts[-1], _END) if len(texts) > 1 else ""

    def say(self, category: str, ids: Sequence[str] = ()) -> dict[str, str]:
        """The current one belongs there, or all of these do; what somebody else has said of some since the sitting
        began, which stays."""
        item = self.current
        meant = list(ids) or ([item.id] if item else [])
        words = words_of(self._archive, meant, "category")
        theirs = {id: str(word.value) for id, word in words.items() if word.corrected_at >= self._began}
        theirs = {id: word for id, word in theirs.items() if word.casefold() != category.casefold()}
        sorted = [id for id in meant if id not in theirs]
        for id in sorted:
            kept = correct_conversation(
                self._archive, id, taxonomy=self._taxonomy, category=category, origin=self._origin
            )
            category = kept["category"]
        self._go_on(sorted, category)
        return theirs

    def take_in(self, category: str) -> None:
        """The current one belongs to a category that is new."""
        add_category(self._archive, self._taxonomy, category, origin=self._origin)
        self.say(category)

    def wish(self, category: str) -> None:
        """Remember that a category was missed; the conversation waits on."""
        if self.current is not None:
            propose(self._archive, self._taxonomy, category, self.current.id)
        self.skip()

    def skip(self) -> None:
        """Not now."""
        self._go_on([])

    def undo(self) -> bool:
        """Take the last step back. False where there was none."""
        if not self._steps:
            return False
        step = self._steps.pop()
        take_back(self._archive, step.sorted, step.category, until=step.until, review_below=self._below)
        give_up(self._archive, self._taxonomy, self._waiting[step.at].id)
        self.sorted -= set(step.sorted)
        self._at = step.at
        return True

    def _go_on(self, ids: list[str], category: str = "") -> None:
        self._steps.append(_Step(self._at, ids, category, now()))
        self.sorted |= set(ids)
        self._at += 1
        while self.current is not None and self.current.id in self.sorted:
            self._at += 1


def _guesses(item: Waiting) -> tuple[str | None, str | None]:
    return item.category, item.runner_up


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"

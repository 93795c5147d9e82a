"""What a judge is: something that reads a batch of conversations against a taxonomy and says where each belongs.

**judge(batch, taxonomy)** answers every subject of the batch once, in any order: with a `Verdict`, or with a `Defect`
(`item` is the conversation's id) where this one cannot be judged. It asks nothing and writes nothing anywhere else;
judging the same batch again buys it again, which is why callers keep the answers. Only `Retryable` and `Halt` are
raised, and only while nothing of the batch has been paid for.

A verdict's `category` and `runner_up` are names of the taxonomy's categories, its `judge` is the judge's `key`, and its
`confidence` is calibrated: of the verdicts at 0.8, four in five are right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from commonplace.categorize.taxonomy import Category, TagsPolicy, Taxonomy
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict

__all__ = [
    "Category",
    "Defect",
    "Judge",
    "Lesson",
    "PaidJudge",
    "Subject",
    "TagsPolicy",
    "Taxonomy",
    "Turn",
    "Usage",
    "Verdict",
]


class Turn(msgspec.Struct, frozen=True):
    """What one side said. Tools and hidden messages are no turns."""

    role: Literal["user", "assistant"]
    text: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge sees of a conversation: its title and the visible turns of its active path, in order.

    Very long texts have lost their middle before they get here, never their end; each judge shortens them further.
    """

    conversation_id: str
    content_hash: str
    title: str | None = None
    turns: tuple[Turn, ...] = ()
    created_at: int | None = None
    language: str | None = None
    """A hint (ISO 639-1), where the language is known already."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that a person sorted: what the local judge trains on and the others see as an example."""

    subject: Subject
    category: str


class Judge(Protocol):
    """Someone who sorts conversations. Safe to use from several threads.

    What a person corrected is handed over when a judge is made (`Sequence[Lesson]`); it is not part of the key, or
    every correction would have everything judged again.
    """

    @property
    def key(self) -> str:
        """Judge, model and prompt version (`local/v1`, `openai/gpt-6-luna/p1`). Another key is another opinion."""

    def judge(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> list[Verdict | Defect]:
        """One answer for each subject."""

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        """The tokens and the price that judging this batch would take, without a request."""

    def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class PaidJudge(Judge, Protocol):
    """A judge whose answers cost money or minutes, so that a killed run must not lose those that it got."""

    def judge_each(
        self, batch: Sequence[Subject], taxonomy: Taxonomy, on_verdict: Callable[[Verdict], None]
    ) -> list[Verdict | Defect]:
        """The same, and each verdict is handed over as it arrives, in this thread."""

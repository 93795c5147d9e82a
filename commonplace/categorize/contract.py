"""What a judge is: something that reads a batch of conversations against a taxonomy and says where each belongs.

**judge(batch, taxonomy)** answers every subject of the batch once, in any order: with a `Verdict`, or with a `Defect`
(`item` is the conversation's id) where this one cannot be judged. It asks nothing and writes nothing anywhere else;
judging the same batch again buys it again, which is why callers keep the answers. Only `Retryable` and `Halt` are
raised, and only while nothing of the batch has been paid for.

A verdict's `category` and `runner_up` are names of the taxonomy's categories, its `judge` is the judge's `key`, and its
`confidence` is calibrated: of the verdicts at 0.8, four in five are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from commonplace.categorize.taxonomy import Category, TagsPolicy, Taxonomy
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "BatchJudge",
    "BatchStore",
    "Category",
    "Collected",
    "Defect",
    "Directions",
    "Judge",
    "Learned",
    "Lesson",
    "Meaning",
    "PaidJudge",
    "Receipts",
    "Subject",
    "Submitted",
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


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge is trained on beside the taxonomy. `name` is part of its key: another one is another opinion."""

    lessons: Sequence[Lesson] = ()
    name: str = ""


class Directions(NamedTuple):
    """Where conversations point, a row for each; zeros where nothing is said in a language that the model knows."""

    opening: npt.NDArray[np.float32]
    """The title, and what was asked first."""
    asked: npt.NDArray[np.float32]
    answered: npt.NDArray[np.float32]


class Meaning(Protocol):
    """Where a judge learns what conversations mean. Safe to use from several threads."""

    @property
    def key(self) -> str:
        """Names the kind of directions: those of another kind are never compared."""

    def of(self, subjects: Sequence[Subject]) -> Directions:
        """The directions of each, in their order."""


@runtime_checkable
class Judge(Protocol):
    """Someone who sorts conversations. Safe to use from several threads.

    What a person corrected is handed over when a judge is made: as examples, which are not part of the key, or every
    correction would have everything judged again; or as what was learned, now and then, which is (`Learned`).
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


class Receipts(Protocol):
    """Where a paid judge writes down what it asks and gets, the moment it happens: a killed run must lose nothing that
    was paid for. Safe to use from several threads; what is said is kept when a call returns."""

    def asking(self, subjects: Sequence[Subject], most: Usage) -> int:
        """A request is about to go out, which takes this at most; its number. Waits while it might pass the limit on
        costs, together with others that are under way. `Halt` where it might alone."""

    def answered(self, request: int, usage: Usage) -> None:
        """What it took, whatever the answer is worth; nothing, where the service refused it."""

    def lost(self, request: int) -> None:
        """No answer came: it may have been charged for."""

    def keep(self, verdict: Verdict) -> None:
        """A verdict."""

    def give_up(self, defect: Defect) -> None:
        """A conversation that was asked about in vain."""


@runtime_checkable
class PaidJudge(Judge, Protocol):
    """A judge whose answers cost money or minutes."""

    def judge_each(self, batch: Sequence[Subject], taxonomy: Taxonomy, receipts: Receipts) -> list[Verdict | Defect]:
        """The same, and all of it is written down as it happens. `Retryable` and `Halt` may be raised at any time: what
        was answered before is in the receipts."""


class Submitted(msgspec.Struct, kw_only=True):
    """What went out. `waiting` did not fit into the limits: it is for the next call, after some was collected."""

    batches: list[str] = msgspec.field(default_factory=list)
    conversations: int = 0
    requests: int = 0
    under_way: int = 0
    """Submitted before and not collected yet."""
    waiting: int = 0
    is_over_budget: bool = False
    """Whether the limit on costs is what it did not fit into."""
    estimate: Usage = Usage()
    defects: list[Defect] = msgspec.field(default_factory=list)


class Collected(msgspec.Struct, kw_only=True):
    """What came back. `missing` were not answered: they are pending again."""

    finished: int = 0
    still_open: int = 0
    verdicts: int = 0
    missing: int = 0
    defects: list[Defect] = msgspec.field(default_factory=list)
    usage: Usage = Usage()
    problems: list[str] = msgspec.field(default_factory=list)


class BatchStore(Protocol):
    """Where batches are remembered. Rows are plain values under the names of the archive's `judge_batches` columns."""

    def save(self, row: Mapping[str, Any]) -> None:
        """Insert or replace the row of that id; committed when it returns."""

    def rows(self) -> list[dict[str, Any]]:
        """All rows, the oldest first."""


@runtime_checkable
class BatchJudge(Protocol):
    """A judge that is written to and answers later: nobody waits for it."""

    @property
    def key(self) -> str:
        """As a judge's."""

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        """As a judge's."""

    def submit(self, subjects: Sequence[Subject], taxonomy: Taxonomy) -> Submitted:
        """Send what is neither under way nor given up, as far as the limits allow."""

    def collect(self, record: Callable[[Sequence[Verdict]], None]) -> Collected:
        """Fetch what has come back. `record` is given verdicts, and must have kept them when it returns."""

    def close(self) -> None:
        """Let go of connections."""

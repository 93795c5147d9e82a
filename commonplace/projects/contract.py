"""What a namer is: something that reads a project's titles and says what the project may be called.

**propose(batch)** answers for each project once, in any order, and leaves out those it has no name for. It writes
nothing. A proposal is marked `inferred` until a person confirms it. Raised are `Permanent` (not this batch),
`Retryable` and `Halt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec


class Unnamed(msgspec.Struct, frozen=True, kw_only=True):
    """A project as a namer sees it: the titles of its newest conversations, and what else it is told."""

    project_id: str
    titles: tuple[str, ...]
    instructions: str | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A name, and in a line what the project is about."""

    project_id: str
    name: str
    description: str | None = None


class Namer(Protocol):
    """Someone who names projects."""

    @property
    def key(self) -> str:
        """Namer, model and prompt version. Another key is another opinion."""

    def propose(self, batch: Sequence[Unnamed]) -> list[Proposal]:
        """At most one proposal for each project."""


class Named(msgspec.Struct, frozen=True):
    """What a batch brought, and the tokens that it took, whatever the answer was worth."""

    proposals: tuple[Proposal, ...]
    input_tokens: int = 0
    output_tokens: int = 0
    problem: str | None = None
    """Why nothing can be made of the answer: it says nothing about any project, and is worth asking for again."""


@runtime_checkable
class PaidNamer(Namer, Protocol):
    """A namer whose answers cost money or minutes, so that they are kept and never bought twice."""

    model: str

    def ask(self, batch: Sequence[Unnamed]) -> Named:
        """The same as `propose`, with what it took."""

    def close(self) -> None:
        """Let go of connections."""

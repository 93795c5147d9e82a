"""The insights document: what a conversation says about the person who held it.

Destinations such as Poke send it on. Its JSON schema is what hosted judges fill in, where every field is required and
none is open-ended. What a judge does not know is left out of the document rather than empty, let alone invented.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Topic(_Part):
    """Something the conversation is about."""

    name: str
    depth: Literal["mentioned", "discussed", "in depth"]


class Skill(_Part):
    """Something the person showed they can do or are learning to do."""

    name: str
    level: Literal["beginner", "intermediate", "advanced", "unclear"]
    evidence: str = Field(description="What in the conversation shows it, in a few words")


class Interest(_Part):
    """A project or subject the person seems to care about beyond this conversation."""

    name: str
    evidence: str


class NextStep(_Part):
    """Something that could be done next, as an instruction to the person."""

    action: str
    priority: Literal["low", "medium", "high"]


class Insights(_Part):
    """All of it."""

    topics: list[Topic] = []
    skills: list[Skill] = []
    project_interests: list[Interest] = []
    problem_solving_approach: str = Field("", description="How the person goes about it, in a sentence; or empty")
    communication_style: str = Field("", description="How the person writes, in a sentence; or empty")
    learning_trajectory: str = Field("", description="Where the person's knowledge moved, in a sentence; or empty")
    next_steps: list[NextStep] = []
    confidence: float = Field(ge=0, le=1, description="How well the conversation supports all this")

    def known(self) -> dict[str, Any]:
        """As plain data, without the parts that nothing is known of."""
        return {name: part for name, part in self.model_dump().items() if part not in ("", [])}

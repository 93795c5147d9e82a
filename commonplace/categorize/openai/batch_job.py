"""What is remembered of a batch: enough to find it again and to read its answers, and no conversation text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from commonplace.categorize.contract import Taxonomy
from commonplace.categorize.openai.questionnaire import Analysis


class Line(msgspec.Struct, frozen=True):
    """One request: its conversations (id and content hash), in order, and what each weighs."""

    conversations: list[tuple[str, str]]
    weights: list[int]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, of whom, about which taxonomy, and what became of it that later calls must know."""

    judge: str
    model: str
    prompt_version: str
    analysis: Analysis
    taxonomy: Taxonomy
    tokens: int
    lines: dict[str, Line] = {}
    """By custom id; empty once it is collected."""
    went_wrong: list[tuple[str, str]] = []
    """Conversations (id and content hash) that were answered badly."""

    @property
    def conversation_count(self) -> int:
        return sum(len(line.conversations) for line in self.lines.values())

    def without_lines(self, went_wrong: Iterable[tuple[str, str]] = ()) -> Job:
        return msgspec.structs.replace(self, lines={}, went_wrong=list(went_wrong))


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of ours. `remote_id` is None while its creation is not confirmed."""

    id: str
    sha256: str
    status: str
    job: Job
    submitted_at: int
    remote_id: str | None = None
    input_file_id: str | None = None
    finished_at: int | None = None


def to_row(batch: Batch) -> dict[str, Any]:
    row = {name: getattr(batch, name) for name in batch.__struct_fields__ if name != "job"}
    return {**row, "requests": msgspec.json.encode(batch.job).decode()}


def to_batch(row: Mapping[str, Any]) -> Batch:
    job = msgspec.json.decode(row["requests"], type=Job)
    return Batch(job=job, **{name: row[name] for name in Batch.__struct_fields__ if name != "job"})

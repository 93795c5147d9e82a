"""What a sync tells: what it would do, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from commonplace.model import Outcome
from commonplace.stages.syncing.beginning import Beginning
from commonplace.stages.syncing.pending import Pending
from commonplace.stages.syncing.pull import PullReport
from commonplace.stages.work import Ending

MOST_PAGES = 20
MOST_LEFT_OUT = 200


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync would do."""

    destination: str
    pending: int
    unchanged: int
    conversations: list[Pending]
    baseline: int = 0
    """What a first run would take as known and not send."""
    estimate: str = ""
    """What it would take, where the destination can tell."""
    messages: list[str] = []
    """What would be sent, word for word, where the destination can tell. For the person alone."""


class SyncReport(Ending, kw_only=True):
    """What a sync did, in the keys that `commonplace sync --json` prints."""

    destination: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    uncertain: int = 0
    conflicts: int = 0
    requests: int = 0
    pulled: int = 0
    """Edits of people, and messages, that came back from the destination."""
    undecided: int = 0
    """What may have arrived or not, at a destination that cannot be asked: a person decides."""
    baseline: int = 0
    """What was in the archive before the first run and is not sent."""
    left_behind: int = 0
    """What is there although the rules let it through no longer."""
    figures: dict[str, float] = msgspec.field(default_factory=dict)
    """What else the destination counted, such as retries and bytes."""
    problems: list[Outcome] = msgspec.field(default_factory=list)
    location: str | msgspec.UnsetType | None = msgspec.UNSET
    """Where all of it is, when something was written."""
    pages: list[Outcome] | msgspec.UnsetType = msgspec.UNSET
    """Some of what was written, with its address; the destination itself shows the others."""
    left_out: int | msgspec.UnsetType = msgspec.UNSET
    """How many pages do not show everything."""
    left_out_of: list[Outcome] | msgspec.UnsetType = msgspec.UNSET

    def include(self, pulled: PullReport) -> None:
        """Edits that came back before the write; those that could not be taken over are conflicts."""
        self.pulled += pulled.taken + pulled.messages
        self.conflicts += len(pulled.conflicts)
        for conflict in pulled.conflicts:
            identity, _, reason = conflict.partition(": ")
            self.problems.append(Outcome(conversation_id=identity, state="conflict", reason=reason))

    def start(self, beginning: Beginning) -> None:
        """How things stood before the first write."""
        self.unchanged = beginning.unchanged
        self.uncertain += beginning.settled
        self.undecided = len(beginning.undecided)
        self.baseline = beginning.baseline
        self.left_behind = beginning.left_behind
        self.problems += beginning.undecided

    def count(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.figures[name] = round(self.figures.get(name, 0) + value, 3)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            match outcome.state:
                case "created":
                    self.created += 1
                case "updated":
                    self.updated += 1
                case "failed":
                    self.failed += 1
                case "uncertain":
                    self.uncertain += 1
                case "conflict":
                    self.conflicts += 1
                case "unchanged" | "skipped":
                    self.unchanged += 1
                case "queued" | "removed":  # `finish` says what became of it; removing has a report of its own
                    pass
            if outcome.state in {"failed", "uncertain", "conflict"}:
                self.problems.append(outcome)
            elif outcome.state in {"created", "updated", "skipped"}:
                self._show(outcome)

    def _show(self, outcome: Outcome) -> None:
        if outcome.state != "skipped" and outcome.remote_url:
            self.pages = [*(self.pages or []), outcome][:MOST_PAGES]
        if outcome.reason:
            self.left_out = (self.left_out or 0) + 1
            self.left_out_of = [*(self.left_out_of or []), outcome][:MOST_LEFT_OUT]

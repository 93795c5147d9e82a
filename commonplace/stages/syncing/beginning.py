"""What comes before the first write of a sync: doubts are settled, wishes carried out, and a baseline is drawn.

Only a destination that cannot be asked leaves doubts: what a run that died had sent, and what was never answered. They
are settled as uncertain, told by every run, and sent again only when a person says so, or `delivery` does.

A baseline is for destinations that tell of what is new: their first run notes everything that was in the archive
before as known, and sends nothing of it unless it is asked to.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import func, insert, literal

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.schema import conversations, ledger
from commonplace.destinations.contract import Destination
from commonplace.errors import Refused
from commonplace.model import Outcome
from commonplace.moments import now
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.pending import (
    Pending,
    Rules,
    Wishes,
    count_in_scope,
    in_scope,
    input_hash,
    pending,
)
from commonplace.stages.syncing.pruning import left_behind


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand before the first write."""

    waiting: list[Pending]
    unchanged: int
    settled: int = 0
    """What an earlier run left without an answer, and nobody can be asked about."""
    undecided: list[Outcome] = []
    """All that waits for a person to say whether it arrived."""
    baseline: int = 0
    """Conversations that were here before the first run, and are not sent."""
    left_behind: int = 0
    """What is there although the rules let it through no longer, and can be removed."""
    queued: int = 0
    """What earlier runs left ready to be sent together."""

    @property
    def is_idle(self) -> bool:
        return not self.waiting and not self.queued


def begin(
    archive: Archive, destination: Destination, selection: Selection, rules: Rules, wishes: Wishes = Wishes()
) -> Beginning:
    """Bring the ledger up to date and see what is to be written. For the one run that may write there."""
    known = ArchiveLedger(archive, destination.instance)
    can_ask = destination.capabilities.supports_lookup
    settled = 0 if can_ask else known.settle()
    _carry_out(known, wishes)
    if rules.delivery == "at-least-once" and not can_ask:
        known.resend([key for key, _ in known.in_state("uncertain")])
    baseline = _draw_baseline(archive, destination, selection) if _needs_baseline(known, destination, wishes) else 0
    found = pending(archive, destination, selection, rules, wishes)
    if selection.force and not can_ask:
        known.resend([item.conversation_id for item in found])
    return Beginning(
        waiting=found,
        unchanged=count_in_scope(archive, destination, selection, rules) - len(found),
        settled=settled,
        undecided=[] if can_ask else _undecided(known),
        baseline=baseline,
        left_behind=len(left_behind(archive, destination, rules)) if destination.capabilities.supports_removal else 0,
        queued=known.counts().get("queued", 0),
    )


def foresee(
    archive: Archive, destination: Destination, selection: Selection, rules: Rules, wishes: Wishes = Wishes()
) -> Beginning:
    """What `begin` would find, with nothing changed."""
    known = ArchiveLedger(archive, destination.instance)
    is_first = _needs_baseline(known, destination, wishes)
    found = pending(archive, destination, selection, rules, wishes)
    if is_first and selection.since is None:
        return Beginning(waiting=[], unchanged=0, baseline=len(found))
    return Beginning(waiting=found, unchanged=count_in_scope(archive, destination, selection, rules) - len(found))


def _carry_out(known: ArchiveLedger, wishes: Wishes) -> None:
    """What a person decided about what may have arrived. Refused, before anything is changed, for what is not known."""
    there = known.get([*wishes.resend, *wishes.accept])
    for key in (*wishes.resend, *wishes.accept):
        if key not in there:
            raise Refused(f"Nothing was sent there under {key!r}.", hint="The report of a sync names what is in doubt.")
    for key in wishes.accept:
        if there[key].state not in ("intent", "uncertain", "conflict"):
            raise Refused(f"{key!r} is not in doubt: its state is {there[key].state!r}.")
    known.resend(wishes.resend)
    known.accept(wishes.accept)


def _needs_baseline(known: ArchiveLedger, destination: Destination, wishes: Wishes) -> bool:
    return destination.capabilities.starts_from_baseline and not wishes.everything and known.is_empty()


def _draw_baseline(archive: Archive, destination: Destination, selection: Selection) -> int:
    """Everything here is known from now on, but for what `--since` asks for; how many that are."""
    wanted = input_hash(destination)
    old = in_scope(archive, destination, Selection(), Rules(minimum_messages=0), wanted).order_by(None)
    if selection.since is not None:
        old = old.where(func.coalesce(conversations.c.updated_at, 0) < selection.since)
    values = old.with_only_columns(
        literal(archive.owner),
        literal(destination.instance),
        conversations.c.id,
        literal("baseline"),
        wanted,
        literal("{}"),
        literal(0),
        literal(now()),
    )
    columns = ["owner", "destination", "conversation_id", "state", "input_hash", "detail", "attempts", "updated_at"]
    with archive.write() as connection:
        return connection.execute(insert(ledger).from_select(columns, values)).rowcount


def _undecided(known: ArchiveLedger) -> list[Outcome]:
    return [
        Outcome(conversation_id=key, state="uncertain", reason=entry.reason)
        for key, entry in known.in_state("uncertain")
    ]

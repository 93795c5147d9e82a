"""A run's conversations as one message, sent once or not at all, that never loses one of them.

`write` queues them with what is told of each. `finish` notes the message and whom it is about, sends it, and notes that
they are there. After a kill in between, the message itself says what became of its members: it arrived and so did they;
it was turned away and they are free for the next; or it is in doubt, and they wait with it until a person decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from commonplace.destinations.contract import Ledger
from commonplace.destinations.poke.render import Facts
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.model import LedgerEntry, Outcome
from commonplace.outgoing import Unanswered

PREFIX = "digest:"
MEMBERS, TOLD = "members", "told"
Send = Callable[[Sequence[Facts], Callable[[], None]], object]
Members = dict[str, LedgerEntry]


def send(ledger: Ledger, carry: Send, most: int) -> list[Outcome]:
    """Messages about all that is queued, except for what an earlier one may have told of already."""
    outcomes, free = settle(ledger)
    for some in in_messages(free, most):
        outcomes += _send(some, ledger, carry)
    return outcomes


def settle(ledger: Ledger) -> tuple[list[Outcome], Members]:
    """What became of those that an earlier run queued, and which of them are free to be sent."""
    queued = dict(ledger.in_state("queued"))
    outcomes: list[Outcome] = []
    for id in [id for id, entry in queued.items() if TOLD not in entry.detail]:  # forgotten meanwhile
        ledger.removed(id)
        del queued[id]
    for key, message in ledger.in_state("done", "intent", "uncertain", prefix=PREFIX) if queued else ():
        members = {id: queued.pop(id) for id in message.detail.get(MEMBERS, ()) if id in queued}
        if message.state == "done":
            outcomes += _arrived(members, key, ledger)
        elif message.state == "intent":
            reason = "The run ended before an answer came."
            ledger.uncertain(key, message.input_hash, reason)
            outcomes.append(Outcome(conversation_id=key, state="uncertain", reason=reason))
    return outcomes, queued


def in_messages(members: Members, most: int) -> Iterator[Members]:
    """So many to a message; 0: all in one."""
    left = iter(members.items())
    while some := dict(islice(left, most or None)):
        yield some


def _send(members: Members, ledger: Ledger, carry: Send) -> list[Outcome]:
    made_of = "\n".join(f"{id} {entry.input_hash}" for id, entry in members.items())
    key = PREFIX + hashlib.blake2b(made_of.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    ledger.check()
    ledger.intend(key, key, {MEMBERS: list(members)})
    try:
        carry([entry.detail[TOLD] for entry in members.values()], ledger.check)
    except Unanswered as error:
        ledger.uncertain(key, key, error.message)
        return [Outcome(conversation_id=key, state="uncertain", reason=str(error))]
    except Permanent as error:
        ledger.fail(key, key, error.message)
        for id, entry in members.items():
            ledger.fail(id, entry.input_hash, error.message)
        return [Outcome(conversation_id=id, state="failed", reason=str(error)) for id in members]
    except (Retryable, Halt):
        ledger.refused(key)
        raise
    ledger.done(key, key, key)
    return _arrived(members, key, ledger)


def _arrived(members: Members, message: str, ledger: Ledger) -> list[Outcome]:
    """Without what was told of them: it is not needed any more."""
    for id, entry in members.items():
        ledger.done(id, entry.input_hash, message, detail={})
    return [Outcome(conversation_id=id, state="created", remote_id=message) for id in members]

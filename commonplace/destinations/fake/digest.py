"""Many conversations as one message, sent once or not at all, that never loses one of them.

`write` queues them. `finish` notes the message and whom it is about, sends it, and notes that they are there. After a
kill in between, the message itself says what became of its members: it arrived and so did they; it was turned away and
they are free for the next; or it is in doubt, and they wait with it until a person decides.
"""

from __future__ import annotations

import hashlib

from commonplace.destinations.contract import Document, Ledger
from commonplace.destinations.fake.service import FakeService
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.model import LedgerEntry, Outcome

PREFIX = "digest:"
MEMBERS = "members"


def queue(document: Document, entry: LedgerEntry | None, ledger: Ledger) -> Outcome:
    id = document.conversation.id
    if entry and entry.state in ("done", "queued") and entry.input_hash == document.input_hash:
        return Outcome(conversation_id=id, state="unchanged" if entry.state == "done" else "queued")
    ledger.queue(id, document.input_hash, {"title": document.conversation.title})
    return Outcome(conversation_id=id, state="queued")


def send(service: FakeService, ledger: Ledger) -> list[Outcome]:
    """One message about all that is queued, except for what an earlier one may have told of already."""
    queued = dict(ledger.in_state("queued"))
    outcomes: list[Outcome] = []
    for key, message in ledger.in_state("done", "intent", "uncertain", prefix=PREFIX) if queued else ():
        members = {id: queued.pop(id) for id in message.detail[MEMBERS] if id in queued}
        if message.state == "done":
            outcomes += _arrived(members, message.remote_id or key, ledger)
        elif message.state == "intent":
            ledger.uncertain(key, message.input_hash, "It is not known whether it arrived.")
            outcomes.append(Outcome(conversation_id=key, state="uncertain"))
    return outcomes + (_send(service, queued, ledger) if queued else [])


def _send(service: FakeService, members: dict[str, LedgerEntry], ledger: Ledger) -> list[Outcome]:
    made_of = "\n".join(f"{id} {entry.input_hash}" for id, entry in members.items())
    key = PREFIX + hashlib.blake2b(made_of.encode(), digest_size=8).hexdigest()
    titles = [str(entry.detail["title"]) for entry in members.values()]
    ledger.intend(key, key, {MEMBERS: list(members)})
    try:
        message_id = service.create(key, "\n".join(titles), list(members))
    except TimeoutError:
        reason = "The service did not answer."
        ledger.uncertain(key, key, reason)
        return [Outcome(conversation_id=key, state="uncertain", reason=reason)]
    except Permanent as exc:
        ledger.fail(key, key, exc.message)
        for id, entry in members.items():
            ledger.fail(id, entry.input_hash, exc.message)
        return [Outcome(conversation_id=id, state="failed", reason=exc.message) for id in members]
    except (Retryable, Halt):
        ledger.refused(key)
        raise
    ledger.done(key, key, message_id)
    return _arrived(members, message_id, ledger)


def _arrived(members: dict[str, LedgerEntry], message_id: str, ledger: Ledger) -> list[Outcome]:
    for id, entry in members.items():
        ledger.done(id, entry.input_hash, message_id)
    return [Outcome(conversation_id=id, state="created", remote_id=message_id) for id in members]

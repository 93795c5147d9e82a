"""Poke as a destination: what stages call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from commonplace.destinations.contract import Capabilities, Document, Ledger
from commonplace.destinations.poke import digest, render
from commonplace.destinations.poke.client import Json, PokeClient
from commonplace.destinations.poke.digest import TOLD
from commonplace.destinations.poke.pace import SYSTEM_CLOCK, Clock
from commonplace.destinations.poke.render import Facts
from commonplace.destinations.poke.settings import RENDERER_VERSION, PokeSettings
from commonplace.errors import Halt, Permanent, Refused, Retryable
from commonplace.model import LedgerEntry, Outcome
from commonplace.outgoing import Unanswered, checked


class PokeDestination:
    """Messages to whoever made the key, or events for their trigger."""

    def __init__(self, settings: PokeSettings, *, is_repeated: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.capabilities = Capabilities(
            renderer_version=RENDERER_VERSION,
            supports_lookup=False,
            changes=settings.changes,
            starts_from_baseline=True,
            supports_preview=True,
            supports_figures=True,
            most_at_once=None if settings.is_together else settings.most_messages,
        )
        self.client = PokeClient(settings, is_repeated=is_repeated, clock=clock)
        parts = checked(settings.base_url or settings.webhook_url, reach=settings.reach)
        self.instance = f"poke:{parts.netloc}:{settings.recipient}"
        self.settings_hash = settings.written_hash
        self.location: str | None = None

    @property
    def requests_sent(self) -> int:
        return int(self.client.figures["attempts"])

    @property
    def figures(self) -> Mapping[str, float]:
        return self.client.figures

    def check(self, ledger: Ledger) -> list[str]:
        state = self.client.pace.state
        return [f"Poke failed so often that its circuit is {state}."] if state == "open" else []

    def estimate(self, new: int, pending: int) -> str:
        if not pending:
            return ""
        requests = pending
        if self.settings.is_together:
            requests = -(-pending // (self.settings.members or pending))
        seconds = (requests - 1) * 60 / self.settings.requests_per_minute
        return f"{requests:,} {'request' if requests == 1 else 'requests'} to Poke, about {seconds:.0f} s"

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        entries = ledger.get([document.conversation.id for document in batch])
        one = self._queue if self.settings.is_together else self._write
        return [one(document, entries.get(document.conversation.id), ledger) for document in batch]

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        return digest.send(ledger, self._carry, self.settings.members) if self.settings.is_together else []

    def preview(self, documents: Iterable[Document], ledger: Ledger) -> Iterator[str]:
        """Every message as it would be sent."""
        if not self.settings.is_together:
            yield from (_shown(self._payload(document)) for document in documents)
            return
        told = {id: entry.detail[TOLD] for id, entry in ledger.in_state("queued") if TOLD in entry.detail}
        told |= {document.conversation.id: render.brief(document, self.settings) for document in documents}
        members = [told[id] for id in sorted(told)]  # the order in which the ledger has them
        most = self.settings.members or len(members) or 1
        for start in range(0, len(members), most):
            yield _shown(self._payload_of(members[start : start + most]))

    def close(self) -> None:
        self.client.close()

    def _queue(self, document: Document, entry: LedgerEntry | None, ledger: Ledger) -> Outcome:
        id, input_hash = document.conversation.id, document.input_hash
        if entry and entry.input_hash == input_hash and entry.state in ("done", "queued"):
            return Outcome(conversation_id=id, state="unchanged" if entry.state == "done" else "queued")
        ledger.queue(id, input_hash, {TOLD: render.brief(document, self.settings)})
        return Outcome(conversation_id=id, state="queued")

    def _write(self, document: Document, entry: LedgerEntry | None, ledger: Ledger) -> Outcome:
        id, input_hash = document.conversation.id, document.input_hash
        if entry and entry.state in ("intent", "uncertain"):
            return self._uncertain(document, entry.reason or "The run ended before an answer came.", ledger)
        if entry and entry.state == "done" and entry.input_hash == input_hash:
            return Outcome(conversation_id=id, state="unchanged", remote_id=entry.remote_id)
        ledger.check()
        ledger.intend(id, input_hash)
        try:
            self.client.message(self._payload(document), ledger.check)
        except Unanswered as error:
            return self._uncertain(document, str(error), ledger)
        except Permanent as error:
            ledger.fail(id, input_hash, str(error))
            return Outcome(conversation_id=id, state="failed", reason=str(error))
        except (Retryable, Halt):
            ledger.refused(id)
            raise
        ledger.done(id, input_hash, id)
        return Outcome(conversation_id=id, state="created", remote_id=id)

    def _uncertain(self, document: Document, reason: str, ledger: Ledger) -> Outcome:
        ledger.uncertain(document.conversation.id, document.input_hash, reason)
        return Outcome(conversation_id=document.conversation.id, state="uncertain", reason=reason)

    def _payload(self, document: Document) -> Json:
        told = render.facts(document, self.settings)
        if self.settings.mode == "raw":
            return render.document_of(told, self.settings)
        return {"message": render.message_of(told, self.settings)}

    def _payload_of(self, members: Sequence[Facts]) -> Json:
        if self.settings.mode == "webhook":
            return render.event_of(members, self.settings)
        return {"message": render.digest_of(members, self.settings)}

    def _carry(self, members: Sequence[Facts], check: Callable[[], None]) -> object:
        send = self.client.fire if self.settings.mode == "webhook" else self.client.message
        return send(self._payload_of(members), check)


def _shown(payload: Json) -> str:
    """A message as a person reads it: its text where it is nothing else."""
    if set(payload) == {"message"}:
        return str(payload["message"])
    return msgspec.json.format(msgspec.json.encode(payload), indent=2).decode()


def open_poke(settings: PokeSettings, *, is_repeated: bool = False, clock: Clock = SYSTEM_CLOCK) -> PokeDestination:
    """The destination that the settings describe. Refused, with what to do, before anything can go astray."""
    how = "Set it up under Destinations, or with `commonplace connect poke`."
    if settings.mode == "webhook":
        if not (settings.webhook_url and settings.webhook_token):
            raise Refused("Poke's trigger is not known.", hint=f"{how} It makes one.")
        checked(settings.webhook_url, reach=settings.reach)
    else:
        if not settings.base_url:
            raise Refused("Poke's address is not set, and nothing is sent before it is.", hint=how)
        if not settings.api_key:
            raise Refused("Poke's key is not set.", hint=f"Set POKE_API_KEY. {how}")
    if settings.base_url:
        checked(settings.base_url, reach=settings.reach)
    render.check_form(settings)
    return PokeDestination(settings, is_repeated=is_repeated, clock=clock)

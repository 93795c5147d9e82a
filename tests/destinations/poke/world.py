"""Poke as a destination, and its other side, as tests see them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.poke import PokeDestination, PokeSettings, open_poke
from commonplace.destinations.poke.digest import MEMBERS
from commonplace.destinations.poke.pace import Clock
from tests.fakes.poke import FakePoke


class NoTime(Clock):
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.waited.append(round(seconds, 3))
        self._now += seconds

    def pass_(self, seconds: float) -> None:
        self._now += seconds


def settings_for(poke: FakePoke, **more: Any) -> PokeSettings:
    values = {"requests_per_minute": 600_000, "jitter": 0.0, "timeout_seconds": 5.0} | more
    return PokeSettings(api_key=poke.key, base_url=poke.base_url, allow_loopback=True, **values)


def trigger_at(poke: FakePoke) -> dict[str, str]:
    """A trigger that was made before, as settings hold it."""
    made = {"webhookUrl": f"{poke.base_url}/inbound/webhook/t1", "webhookToken": "token-t1"}
    poke.triggers["t1"] = made
    return {"webhook_url": made["webhookUrl"], "webhook_token": made["webhookToken"]}


class PokeWorld:
    """In modes whose messages say which conversations they are about."""

    def __init__(self, poke: FakePoke, archive: Archive, **settings: Any) -> None:
        self.poke = poke
        self._archive = archive
        self._settings = settings_for(poke, **settings)

    def open(self) -> PokeDestination:
        return open_poke(self._settings, clock=NoTime())

    def there(self) -> Counter[str]:
        return Counter(id for body in self.poke.arrived for id in _ids(body))

    def arrived(self, key: str) -> bool:
        """A person sees the message that would have been about these."""
        known = ArchiveLedger(self._archive, self.open().instance).get([key])
        members = known[key].detail.get(MEMBERS, [key])
        return any(set(members) <= set(_ids(body)) for body in self.poke.arrived)

    def shows(self, conversation_id: str) -> str:
        return str([body for body in self.poke.arrived if conversation_id in _ids(body)][-1])

    def wait(self) -> None:
        """Time decides nothing here."""


def _ids(body: dict[str, Any]) -> list[str]:
    members = body.get("conversations", [body])
    return [member["id"] for member in members if "id" in member]

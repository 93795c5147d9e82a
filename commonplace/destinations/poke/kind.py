"""What Poke says of itself."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.destinations.kind import Connection, Given, Kind, LedgerOf, Person, Surroundings
from commonplace.destinations.poke.client import PokeClient
from commonplace.destinations.poke.destination import PokeDestination, open_poke
from commonplace.destinations.poke.settings import POKE, PokeSettings
from commonplace.errors import Halt, Refused
from commonplace.outgoing import checked


def _open(settings: PokeSettings, around: Surroundings) -> PokeDestination:
    return open_poke(settings, is_repeated=around.repeats_doubtful)


def _connect(settings: PokeSettings, person: Person, _ledger_of: LedgerOf) -> Connection:
    if not settings.api_key:
        raise Refused("POKE_API_KEY is not set.", hint="Put it into the environment or .env.")
    if not settings.base_url:
        if not person.agrees(f"Send what is new in the archive to {POKE}?"):
            raise Refused("Nothing was connected.", hint="Set POKE_API_ENDPOINT to another address.")
        settings = msgspec.structs.replace(settings, base_url=POKE)
    host = checked(settings.base_url, reach=settings.reach).netloc
    made: dict[str, Any] = {"base_url": settings.base_url}
    told = {"address": settings.base_url, "mode": settings.mode, "recipient": settings.recipient}
    client = PokeClient(settings)
    try:
        if settings.mode == "webhook" and not (settings.webhook_url and settings.webhook_token):
            if not person.agrees(f"Make a trigger at {host}?"):
                raise Refused("Nothing was connected: the mode webhook needs a trigger.")
            trigger = client.create_trigger()
            checked(trigger["webhookUrl"], reach=settings.reach)
            made |= {"webhook_url": trigger["webhookUrl"], "webhook_token": trigger["webhookToken"]}
            told["trigger"] = str(trigger.get("triggerId") or "made")
        elif not (health := client.health())["ok"]:
            raise Halt(f"Poke does not answer: {health.get('problem') or health['status']}", hint="Try again later.")
    finally:
        client.close()
    return Connection(told=told, settings=made)


def _given(setting: str, variable: str, about: str, **more: Any) -> Given:
    return Given(setting=setting, variables=(variable,), about=about, **more)


_ASKED = {"is_asked": True, "suggestion": POKE}

KIND = Kind(
    title="Poke",
    about="Poke, an assistant that is told what is new in the archive.",
    block="PokeCredentials",
    settings=PokeSettings,
    open=_open,
    given=(
        _given("api_key", "POKE_API_KEY", "Poke's API key: whoever made it gets the messages.", is_secret=True),
        _given("base_url", "POKE_API_ENDPOINT", "Where Poke's API is. Nothing is sent before this is set.", **_ASKED),
        _given("webhook_url", "POKE_WEBHOOK_URL", "The trigger's address.", is_secret=True, is_made=True),
        _given("webhook_token", "POKE_WEBHOOK_TOKEN", "The trigger's token.", is_secret=True, is_made=True),
        _given("timeout_seconds", "POKE_API_TIMEOUT", "How many seconds to wait for an answer."),
        _given("max_retries", "POKE_MAX_RETRIES", "How often a request that was turned away is tried again."),
        _given("initial_backoff_seconds", "POKE_INITIAL_BACKOFF", "Seconds of the first pause between tries."),
        _given("max_backoff_seconds", "POKE_MAX_BACKOFF", "Seconds of the longest pause."),
        _given("backoff_multiplier", "POKE_BACKOFF_MULTIPLIER", "By how much each pause is longer than the last."),
    ),
    defaults=lambda around: {"processes": around.processes},
    connect=_connect,
    client=PokeClient,
)

"""What the Conversations of OpenAI say of themselves. Their credentials are those of everything at OpenAI."""

from __future__ import annotations

import msgspec

from commonplace.destinations.kind import Connection, Given, Kind, LedgerOf, Person, Surroundings
from commonplace.destinations.openai.destination import OpenAIDestination, account_of, open_openai
from commonplace.destinations.openai.settings import ConversationSettings
from commonplace.openai.client import Client
from commonplace.openai.models import CHECK_SECONDS, models_of


def _open(settings: ConversationSettings, _around: Surroundings) -> OpenAIDestination:
    return open_openai(settings)


def _connect(settings: ConversationSettings, _person: Person, _ledger_of: LedgerOf) -> Connection:
    account = account_of(settings)
    account.check()
    with Client(msgspec.structs.replace(account, timeout=CHECK_SECONDS)) as client:
        models = models_of(client)
    return Connection(told={"address": settings.base_url or "OpenAI", "models": f"{len(models):,}"})


KIND = Kind(
    title="OpenAI",
    about="Conversations at OpenAI, which can be continued there.",
    block="OpenAICredentials",
    settings=ConversationSettings,
    open=_open,
    given=(
        Given(setting="api_key", variables=("OPENAI_API_KEY",), about="The API key.", is_secret=True),
        Given(setting="base_url", variables=("OPENAI_BASE_URL",), about="Another server's address."),
    ),
    defaults=lambda around: {"processes": around.processes},
    connect=_connect,
)

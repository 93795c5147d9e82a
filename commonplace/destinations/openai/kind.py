"""What the Conversations of OpenAI say of themselves. Their credentials are those of everything at OpenAI."""

from __future__ import annotations

from commonplace.destinations.kind import Given, Kind, Surroundings
from commonplace.destinations.openai.destination import OpenAIDestination, open_openai
from commonplace.destinations.openai.settings import ConversationSettings


def _open(settings: ConversationSettings, _around: Surroundings) -> OpenAIDestination:
    return open_openai(settings)


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
)

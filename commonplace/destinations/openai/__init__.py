"""OpenAI: each conversation as one of the Conversations API, which can be continued there and comes back."""

from commonplace.destinations.openai.destination import OpenAIDestination, open_openai
from commonplace.destinations.openai.kind import KIND
from commonplace.destinations.openai.settings import ConversationSettings

__all__ = ["KIND", "ConversationSettings", "OpenAIDestination", "open_openai"]

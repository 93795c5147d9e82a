"""Conversations that Open WebUI exported, as json."""

from commonplace.sources.openwebui.reading import SOURCE

__all__ = ["SOURCE"]

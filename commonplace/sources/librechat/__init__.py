"""Conversations that LibreChat exported, as json."""

from commonplace.sources.librechat.reading import SOURCE

__all__ = ["SOURCE"]

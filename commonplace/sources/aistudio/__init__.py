"""Prompts that AI Studio keeps in Google Drive, one in a file."""

from commonplace.sources.aistudio.reading import SOURCE

__all__ = ["SOURCE"]

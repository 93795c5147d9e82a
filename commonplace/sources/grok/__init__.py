"""Grok's data export: a zip, its folder, or a json of it."""

from commonplace.sources.grok.reading import SOURCE

__all__ = ["SOURCE"]

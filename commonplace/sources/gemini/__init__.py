"""Gemini's activity, as Google Takeout hands it out: a zip, its folder, or its json or html of My Activity."""

from commonplace.sources.gemini.reading import SOURCE

__all__ = ["SOURCE"]

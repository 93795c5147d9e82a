"""Gemini's activity, as Google Takeout hands it out: a zip, its folder, or its json or html of My Activity."""

from commonplace.sources.gemini.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

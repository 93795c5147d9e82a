"""Microsoft Copilot's activity history: the CSV file, or a zip or folder with it."""

from commonplace.sources.copilot.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

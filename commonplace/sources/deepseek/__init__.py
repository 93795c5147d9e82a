"""DeepSeek's data export: a zip, its folder, or a json of it."""

from commonplace.sources.deepseek.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

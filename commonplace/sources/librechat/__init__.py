"""Conversations that LibreChat exported, as json."""

from commonplace.sources.librechat.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

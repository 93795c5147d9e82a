"""Prompts that AI Studio keeps in Google Drive, one in a file."""

from commonplace.sources.aistudio.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

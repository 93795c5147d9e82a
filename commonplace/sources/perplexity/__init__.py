"""Perplexity's threads: its own data export, or the files of the extension Perplexity Thread Exporter."""

from commonplace.sources.perplexity.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

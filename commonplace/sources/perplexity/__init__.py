"""Perplexity's threads: its own data export, or the files of the extension Perplexity Thread Exporter."""

from commonplace.sources.perplexity.reading import SOURCE

__all__ = ["SOURCE"]

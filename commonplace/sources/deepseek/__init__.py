"""DeepSeek's data export: a zip, its folder, or a json of it."""

from commonplace.sources.deepseek.reading import SOURCE

__all__ = ["SOURCE"]

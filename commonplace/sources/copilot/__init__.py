"""Microsoft Copilot's activity history: the CSV file, or a zip or folder with it."""

from commonplace.sources.copilot.reading import SOURCE

__all__ = ["SOURCE"]

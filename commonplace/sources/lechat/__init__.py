"""Le Chat's data export: a zip, its folder, or a json of it."""

from commonplace.sources.lechat.reading import SOURCE

__all__ = ["SOURCE"]

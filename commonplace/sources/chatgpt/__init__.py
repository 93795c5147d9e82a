"""ChatGPT's data export: a zip, its folder, or a json of it."""

from commonplace.sources.chatgpt.export import SOURCE

__all__ = ["SOURCE"]

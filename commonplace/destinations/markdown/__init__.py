"""Markdown: a folder of notes that Obsidian likes, beside which people may write."""

from commonplace.destinations.markdown.kind import KIND
from commonplace.destinations.markdown.settings import MarkdownSettings
from commonplace.destinations.markdown.write import MarkdownDestination, open_markdown

__all__ = ["KIND", "MarkdownDestination", "MarkdownSettings", "open_markdown"]

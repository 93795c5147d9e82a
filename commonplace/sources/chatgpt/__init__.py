"""ChatGPT's data export: a zip, its folder, or a json of it."""

from commonplace.sources.chatgpt.conversations import SOURCE as name
from commonplace.sources.chatgpt.export import READER_VERSION as reader_version
from commonplace.sources.chatgpt.export import open_contents as open
from commonplace.sources.chatgpt.layout import detect
from commonplace.sources.shapes import CHATGPT as title

__all__ = ["detect", "name", "open", "reader_version", "title"]

"""ChatGPT's data export: a zip, its folder, or a json of it."""

from commonplace.sources.chatgpt.assets import Assets
from commonplace.sources.chatgpt.conversations import SOURCE as name
from commonplace.sources.chatgpt.export import READER_VERSION, Export, open_export, read
from commonplace.sources.chatgpt.limits import Limits
from commonplace.sources.contract import Skipped

__all__ = ["READER_VERSION", "Assets", "Export", "Limits", "Skipped", "name", "open_export", "read"]

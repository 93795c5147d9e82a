"""A commonplace book for people's AI conversations.

The names below are the library's front door (`docs/library.md`); they load when they are first used, so that a command
which needs none of them starts without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonplace.archive.conversations.reading import load_conversation
    from commonplace.archive.core import Archive
    from commonplace.archive.opening import open_archive
    from commonplace.archive.search.filters import Filters
    from commonplace.archive.search.search import search
    from commonplace.model import Attachment, Conversation, Message
    from commonplace.sources.registry import open_export
    from commonplace.stages.importing.stage import import_paths

__version__ = "0.1.0"

__all__ = [
    "Archive",
    "Attachment",
    "Conversation",
    "Filters",
    "Message",
    "__version__",
    "import_paths",
    "load_conversation",
    "open_archive",
    "open_export",
    "search",
]

_HOMES = {
    "Archive": "archive.core",
    "open_archive": "archive.opening",
    "load_conversation": "archive.conversations.reading",
    "Filters": "archive.search.filters",
    "search": "archive.search.search",
    "Attachment": "model",
    "Conversation": "model",
    "Message": "model",
    "open_export": "sources.registry",
    "import_paths": "stages.importing.stage",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

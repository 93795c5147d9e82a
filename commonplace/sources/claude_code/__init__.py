"""Claude Code's history on this machine: the folder of its sessions, or one of them."""

from commonplace.sources.claude_code.reading import SOURCE

name = SOURCE.name
title = SOURCE.title
reader_version = SOURCE.version
detect = SOURCE.detect
open = SOURCE.open

__all__ = ["detect", "name", "open", "reader_version", "title"]

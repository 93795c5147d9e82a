"""Claude Code's history on this machine: the folder of its sessions, or one of them."""

from commonplace.sources.claude_code.reading import SOURCE

__all__ = ["SOURCE"]

"""Codex's history on this machine: the folder of its sessions, or one of them."""

from commonplace.sources.codex.reading import SOURCE

__all__ = ["SOURCE"]

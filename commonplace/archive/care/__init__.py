"""Keeping the archive whole: verify, backup, restore, forget."""

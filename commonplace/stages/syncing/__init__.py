"""Sync: what the archive holds is written to a destination."""

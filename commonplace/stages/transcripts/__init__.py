"""Conversations as texts that people and other programs read."""

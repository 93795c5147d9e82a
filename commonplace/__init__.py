"""A commonplace book for people's AI conversations."""

__version__ = "0.1.0"

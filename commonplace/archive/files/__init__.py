"""Kept exports and attachments, by their content."""

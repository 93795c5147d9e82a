"""Conversations as they are stored: merged, put in order, hashed, read back."""

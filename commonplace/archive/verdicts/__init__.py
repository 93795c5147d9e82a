"""What judges and people said of conversations, and which of it counts now."""

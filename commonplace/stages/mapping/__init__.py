"""Map: each conversation finds its project."""

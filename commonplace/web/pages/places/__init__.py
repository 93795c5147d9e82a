"""Where conversations go: destinations as they stand, setting one up, and who is told of events."""

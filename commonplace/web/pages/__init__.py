"""Pages for people: one module for each, which reads and renders."""

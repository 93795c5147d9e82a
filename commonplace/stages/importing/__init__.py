"""Import: exports become conversations in the archive."""

"""How good what is found is, beside what is right."""

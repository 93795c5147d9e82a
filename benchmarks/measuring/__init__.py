"""How it is measured, and told beside what was asked for."""

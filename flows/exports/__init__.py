"""New exports: noticed when they come in, and asked for again in time."""

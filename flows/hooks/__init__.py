"""Hooks: what happened is noted by the runs, and delivered by a run of its own."""

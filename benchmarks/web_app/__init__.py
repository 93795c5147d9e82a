"""The parts of `benchmarks.web`."""

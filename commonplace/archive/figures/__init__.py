"""The archive in numbers: statistics, frames, charts."""

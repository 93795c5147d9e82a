"""What programs call themselves, made fit to be read by a person who has to decide."""

from __future__ import annotations

LONGEST = 80


def shown_name(told: str) -> str:
    """One line without tricks: nothing that is invisible, or that turns what stands beside it around."""
    plain = " ".join("".join(one if one.isprintable() else " " for one in told).split())
    return plain[:LONGEST] or "A program without a name"

"""How a figure is told beside what was asked for."""

from __future__ import annotations

import statistics


def percentile(times: list[float], percent: int) -> float:
    """The value that so many of a hundred do not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1] if len(times) > 1 else times[0]


def mark(is_met: bool) -> str:
    return "ok  " if is_met else "MISS"


def verdict(what: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> bool:
    """Print it; whether it is met."""
    is_met = value >= at_least if at_least is not None else at_most is not None and value <= at_most
    wanted = f"at least {at_least}" if at_least is not None else f"at most {at_most}"
    print(f"  {mark(is_met)} {value:.2f} {what} ({wanted})", flush=True)
    return is_met

"""What Prefect calls a run that nobody named: two of its words, `amber-heron`."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from coolname.data import config


def is_made_up(name: str) -> bool:
    """Whether a name is one that Prefect could have made. A person's `nightly-check` is of other words."""
    first, _, second = name.partition("-")
    return first in _words("adj_any") and second in _words("subj")


@cache
def _words(of: str) -> frozenset[str]:
    """The words of one of the lists, and of those that it is made of."""
    found: dict[str, Any] = cast(Any, config[of])
    return frozenset(found.get("words", ())).union(*map(_words, found.get("lists", ())))

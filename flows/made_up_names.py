"""What Prefect calls a run that nobody named.

Its server and its library take two words of a list, `amber-heron`. Its UI fills the form of a run with a place in the
sky: a Greek letter, often with a number, a name, and often a letter or word behind it, `omicron3-sarraqa-r`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, cast

from coolname.data import config

_LETTER = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma|tau|upsilon|phi|chi"
    "|psi|omega"
)
_BEHIND = (
    "[a-z]|adjunct|anomaly|band|boundary|cloud|cluster|collapse|conflux|expanse|field|fringe|instability|manifold|mass"
    "|nebula|point|quadrant|reach|ring|sector|shift|tensor|terminus|vector|void|warp"
)
_NAME = "[a-z]+(?:-[a-z]+)?"
_IN_THE_SKY = re.compile(rf"(?:{_LETTER})(?:\d+-{_NAME}(?:-(?:{_BEHIND}))?|-{_NAME}-(?:{_BEHIND}))")
"""A letter alone before a name alone could be a person's (`beta-test`), and is taken for it."""


def is_made_up(name: str) -> bool:
    """Whether a name is one that Prefect could have made. A person's `nightly-check` is of other words."""
    if _IN_THE_SKY.fullmatch(name):
        return True
    first, _, second = name.partition("-")
    return first in _words("adj_any") and second in _words("subj")


@cache
def _words(of: str) -> frozenset[str]:
    """The words of one of the lists, and of those that it is made of."""
    found: dict[str, Any] = cast(Any, config[of])
    return frozenset(found.get("words", ())).union(*map(_words, found.get("lists", ())))

"""Which judges there are, by name.

A judge is loaded when it is asked for. Other packages add theirs as entry points of the group `commonplace.judges`, by
name, each leading to a `Kind`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

import msgspec

from commonplace.bounds import read_section
from commonplace.categorize.contract import BatchJudge, Judge
from commonplace.categorize.kind import Kind, Surroundings
from commonplace.errors import Refused

KINDS = {
    "local": "commonplace.categorize.local.kind:KIND",
    "openai": "commonplace.categorize.openai.kinds:OPENAI",
    "openai-batch": "commonplace.categorize.openai.kinds:OPENAI_BATCH",
    "compatible": "commonplace.categorize.openai.kinds:COMPATIBLE",
}
BATCHES = "openai-batch"
"""The judge whose answers are collected where the settings name none that answers later."""
GROUP = "commonplace.judges"


def kinds() -> list[str]:
    """The names that a person can use."""
    return list(_all())


def kind_named(name: str) -> Kind:
    """The declaration of a judge. Refused if there is none of that name."""
    if name not in KINDS and name not in _all():
        raise Refused(f"There is no judge {name!r}.", hint=f"Use one of: {', '.join(kinds())}.")
    return _load(KINDS.get(name) or _all()[name])


def open_judge(name: str, around: Surroundings) -> Judge | BatchJudge:
    """A judge by name. Refused or `Halt`, with what to do, where something is missing."""
    kind = kind_named(name)
    section = around.settings.judges.get(name, {})
    own = read_section(section, kind.settings, section=f"judges.{name}", file=around.settings.config_file)
    return kind.open(msgspec.structs.replace(around, own=own))


@cache
def _all() -> dict[str, str]:
    """Every judge by name; ours cannot be replaced."""
    return {**KINDS, **{point.name: point.value for point in entry_points(group=GROUP) if point.name not in KINDS}}


@cache
def _load(path: str) -> Kind:
    module, _, attribute = path.partition(":")
    return cast(Kind, getattr(import_module(module), attribute))

"""Which kinds of destinations there are, and how one is opened from its section of the settings.

A kind is loaded when it is asked for. Other packages add theirs as entry points of the group
`commonplace.destinations`, by name, each leading to a `Kind`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, cast

import msgspec

from commonplace.bounds import explained, read_section
from commonplace.config import Environment
from commonplace.destinations.contract import Destination
from commonplace.destinations.kind import Given, Kind, Surroundings
from commonplace.errors import Refused

KINDS = {
    "markdown": "commonplace.destinations.markdown:KIND",
    "notion": "commonplace.destinations.notion:KIND",
    "poke": "commonplace.destinations.poke:KIND",
    "openai": "commonplace.destinations.openai:KIND",
    "fake": "commonplace.destinations.fake:KIND",
}
DEFAULT = "markdown"
"""What is written to when nobody set up a destination: it needs nothing."""
GROUP = "commonplace.destinations"
_HIDDEN = {"fake"}


def kinds() -> list[str]:
    """The names that a person can use."""
    return [name for name in _all() if name not in _HIDDEN]


def kind_named(name: str) -> Kind:
    """The declaration of a kind. Refused if there is none of that name."""
    if name not in KINDS and name not in _all():
        raise Refused(f"There is no kind of destination {name!r}.", hint=f"There are: {', '.join(kinds())}.")
    return _load(KINDS.get(name) or _all()[name])


def open_destination(
    kind: str,
    section: Mapping[str, Any],
    *,
    environment: Environment | None = None,
    kept: Mapping[str, Any] | None = None,
    around: Surroundings = Surroundings(),
) -> Destination:
    """The destination that a section of the settings describes. Refused, with what to do, if it does not do."""
    settings = settings_of(kind, section, environment=environment, kept=kept, around=around)
    return kind_named(kind).open(settings, around)


def settings_of(
    kind: str,
    section: Mapping[str, Any],
    *,
    environment: Environment | None = None,
    kept: Mapping[str, Any] | None = None,
    around: Surroundings = Surroundings(),
) -> Any:
    """A kind's settings: the section's, else the environment's, else what `connect` kept, else what follows.

    The section comes before the environment, because several destinations of one kind share the environment.
    """
    declared = kind_named(kind)
    known = {field.encode_name: field for field in msgspec.structs.fields(declared.settings)}
    _refuse_unknown(kind, section, known)
    values = {key: value for key, value in section.items() if value != ""}
    _fill(values, _from_environment(declared, environment, known) if environment else {})
    if all(values.get(key, value) == value for key, value in (kept or {}).items()):  # else it is of another one
        _fill(values, {key: value for key, value in (kept or {}).items() if key in known})
    _fill(values, {key: value for key, value in declared.defaults(around).items() if key in known})
    missing = [key for key, field in known.items() if field.required and key not in values]
    if missing:
        told_by = next((given.variables[0] for given in declared.given if given.setting == missing[0]), None)
        where = (
            f"Set it up under Destinations or with `commonplace connect {kind}`, or set {told_by}." if told_by else None
        )
        raise Refused(f"The destination {kind} needs a {missing[0]}.", hint=where)
    return read_section(values, declared.settings, section=f"destinations.{kind}", file=around.config_file)


@cache
def _all() -> dict[str, str]:
    """Every kind by name; ours cannot be replaced."""
    return {point.name: point.value for point in entry_points(group=GROUP)} | KINDS


@cache
def _load(path: str) -> Kind:
    module, _, attribute = path.partition(":")
    return cast(Kind, getattr(import_module(module), attribute))


def _fill(values: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        values.setdefault(key, value)


def _refuse_unknown(kind: str, section: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else None
            raise Refused(f"[destinations.{kind}] has an unknown setting {key!r}.", hint=hint)


def _from_environment(declared: Kind, environment: Environment, known: Mapping[str, Any]) -> dict[str, Any]:
    """What the environment gives, as the settings want it: it holds text alone, also for numbers."""
    values = {}
    for given in declared.given:
        if text := environment.get(*given.variables):
            values[given.setting] = _converted(given, text, known[given.setting].type)
    return values


def _converted(given: Given, text: str, wanted: Any) -> Any:
    try:
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.ValidationError as exc:
        raise Refused(f"{given.variables[0]}: {explained(str(exc))}") from exc

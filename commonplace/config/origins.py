"""The settings as they are, and where each comes from: a variable, the file, or nowhere, where the default holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from commonplace.config.files import read_settings
from commonplace.config.sections import Settings
from commonplace.environment import Environment

VARIABLES = {
    "home": "COMMONPLACE_HOME",
    "database_url": "COMMONPLACE_DATABASE_URL",
    "files": "COMMONPLACE_FILES",
    "config_file": "COMMONPLACE_CONFIG",
    "owner": "COMMONPLACE_OWNER",
    "runs.task_runner": "TASK_RUNNER",
    "server.host": "HOST",
    "server.port": "PORT",
    "server.rate_limit": "RATELIMIT_DEFAULT",
}
SECRET = ("secret", "token", "password", "api_key", "auth_string", "headers")
_PASSWORD = re.compile(r"(://[^/?#:@\s]*:)\S+(?=@)|([?&]password=)[^&\s]+")
"""In an address, as databases understand it: one with a slash in it as well."""
KEYS = ("_API_KEY", "_TOKEN", "_SECRET", "_AUTH_STRING", "_PASSWORD")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `place` is empty where the default holds."""

    section: str
    name: str
    value: str
    place: str = ""


def origins(settings: Settings, environment: Environment) -> list[Origin]:
    """Every setting. What lets somebody in is not shown, only that it is set, and where."""
    said, where = read_settings(settings.config_file, environment)
    found = [
        _origin(environment, said, where, name, value)
        for name, value in _leaves(msgspec.to_builtins(settings, enc_hook=str))
    ]
    return [*found, *_keys(environment)]


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Of a section without anything in it there is nothing to say."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _origin(environment: Environment, said: Mapping[str, Any], where: str, name: str, value: Any) -> Origin:
    section, _, last = name.rpartition(".")
    variable = VARIABLES.get(name, "")
    place = environment.place_of(variable) if variable else None
    told = f"{variable}, {place}" if place else where if _is_said(said, name.split(".")) else ""
    return Origin(section=section, name=last, value=_shown(last, value), place=told)


def _is_said(said: Any, path: list[str]) -> bool:
    for name in path:
        if not isinstance(said, Mapping) or name not in said:
            return False
        said = said[name]
    return True


def _shown(name: str, value: Any) -> str:
    if any(part in name.lower() for part in SECRET) and value:
        return "•••"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(_shown(name, each) for each in value)
    return _PASSWORD.sub(r"\1\2•••", "" if value is None else str(value))


def _keys(environment: Environment) -> list[Origin]:
    """Which secrets are set as variables: their names and places alone."""
    names = sorted(name for name in environment.names() if name.endswith(KEYS))
    found = [(name, environment.place_of(name)) for name in names]
    return [Origin(section="secrets", name=name, value="•••", place=place) for name, place in found if place]

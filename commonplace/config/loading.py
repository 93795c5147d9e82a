"""Settings are read once, at the edge, and passed in from there.

Flags go over the environment and `.env`, those over `commonplace.toml`, and that over the defaults. An unknown key or a
wrong type is an error that names the key and the file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from commonplace.bounds import explained, expressions
from commonplace.config.files import find_files, read_settings
from commonplace.config.sections import Settings
from commonplace.environment import Environment, read_dotenv, read_dotenv_of_folder
from commonplace.errors import Refused
from commonplace.moments import zone_named


def load(
    environ: Mapping[str, str] | None = None,
    *,
    config_file: Path | None = None,
    folder: Path | None = None,
    kind: type[Environment] = Environment,
) -> tuple[Settings, Environment]:
    """The settings and the environment they were read with, as seen from `folder` (the working directory).

    `kind` is the class of the environment: one may know more places to look than the variables.
    """
    variables = os.environ if environ is None else environ
    files = find_files(variables, config_file=config_file, folder=folder)
    path, home = files.used, files.home
    environment = kind(variables, *map(read_dotenv, files.dotenvs), *map(read_dotenv_of_folder, files.of_folder))
    said, where = read_settings(path, environment)
    values = _moved(said)
    reserved = {"home", "database_url", "files", "config_file"} & values.keys()
    if reserved:
        raise Refused(
            f"{where} sets {', '.join(sorted(reserved))}, which is read from the environment only.",
            hint="Use COMMONPLACE_HOME, COMMONPLACE_DATABASE_URL or COMMONPLACE_FILES.",
        )
    known = {
        "home": str(home),
        "database_url": environment.get("COMMONPLACE_DATABASE_URL") or f"sqlite:///{_as_in_url(home / 'archive.db')}",
        "files": environment.get("COMMONPLACE_FILES") or str(home / "files"),
        "config_file": str(path) if path else None,
    }
    if environment.get("COMMONPLACE_OWNER"):
        known["owner"] = environment.get("COMMONPLACE_OWNER")
    if environment.get("TASK_RUNNER"):
        values["runs"] = {**values.get("runs", {}), "task_runner": environment.get("TASK_RUNNER")}
    try:
        settings = msgspec.convert({**values, **known}, Settings, dec_hook=_to_path)
    except msgspec.ValidationError as exc:
        raise Refused(f"{where}: {_explain(str(exc))}") from exc
    zone_named(settings.timezone)
    try:
        expressions(settings.projects.title_patterns, group="project", setting="[projects] title_patterns")
    except Refused as exc:
        raise Refused(f"{where}: {exc.message}", hint=exc.hint) from exc
    return settings, environment


def _moved(values: dict[str, Any]) -> dict[str, Any]:
    """Settings under the names that they had before."""
    categorize, asked = dict(values.get("categorize", {})), dict(values.get("openai", {}))
    for key in ("requests_per_minute", "tokens_per_minute"):
        if key in categorize:
            asked.setdefault(key, categorize.pop(key))
    return {**values, **({"categorize": categorize} if categorize else {}), **({"openai": asked} if asked else {})}


def _as_in_url(path: Path) -> str:
    """What would end the path of a URL is written as it has to be there."""
    return str(path).replace("%", "%25").replace("?", "%3F").replace("#", "%23")


def _to_path(kind: type[Any], value: Any) -> Any:
    return kind(value)


MOVED = {("projects", "embeddings"): "Mapping reads what `commonplace embed` stored; [meaning] model names the model."}
"""What settings of earlier versions became."""


def _explain(problem: str) -> str:
    """msgspec's sentence, with the nearest known key where the key is unknown; never a value."""
    if "unknown field" not in problem:
        return explained(problem)
    key = problem.split("`")[1]
    section = problem.split("`$.", 1)[1].rstrip("`") if "`$." in problem else ""
    where = f"[{section}] " if section else ""
    if moved := MOVED.get((section, key)):
        return f"{where}{key} is gone. {moved}"
    near = difflib.get_close_matches(key, _keys_of(section), n=1)
    return f"{where}unknown setting {key!r}." + (f" Did you mean {near[0]!r}?" if near else "")


def _keys_of(section: str) -> list[str]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(Settings)}
    if not section:
        return list(fields)
    kind = fields.get(section)
    return [field.encode_name for field in msgspec.structs.fields(kind)] if isinstance(kind, type) else []
